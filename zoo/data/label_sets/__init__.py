"""Sets of labels: which columns of a table hold them, and how they are divided into parts."""
