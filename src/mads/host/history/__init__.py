"""What is on record, for whoever may ask: traces, conversations, the capture as a whole; and how it goes again."""
