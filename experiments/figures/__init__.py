"""The figures of the experiments: a file for each, with `FIGURES`, functions of a `Run` by name."""
