"""What is not collected: programs that run in an environment of their own, with packages that these tests lack."""

collect_ignore = ["clients"]
