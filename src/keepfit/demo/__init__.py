"""The demonstration: the loop closes on the flights that left New York in 2013."""
