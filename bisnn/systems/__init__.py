"""Brain systems, one file each: bodily self, affective empathy, moral learning."""
