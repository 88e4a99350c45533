"""What holds for every test."""

import signal

# A shell starts background jobs with Ctrl-C ignored, and what they start inherits that: tests send SIGINT to programs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
