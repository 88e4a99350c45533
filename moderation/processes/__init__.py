"""What every part that keeps processes of its own shares: messages over sockets, and children that never outlive us."""
