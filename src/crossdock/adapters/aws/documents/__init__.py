"""The documents of AWS that decide, read with the profiles that a person gives: for `explain`. Nothing here writes."""
