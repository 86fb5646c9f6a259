"""The command lines of asd_tf: flags, messages and exit status."""
