"""What a stream costs besides recognition: silence, and talk without its recognition; Faust beside aiokafka."""
