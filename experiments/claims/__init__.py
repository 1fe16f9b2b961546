"""What every claim of the library is held to: `bisnn verify` runs them."""
