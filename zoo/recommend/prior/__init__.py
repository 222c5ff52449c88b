"""What is known of a model's performance on a data set before anything is measured."""
