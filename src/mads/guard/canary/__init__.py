"""Two versions side by side: who is answered by which, how they compare, and what is made of that."""
