"""Who acts: by a token, by git's e-mail address or by the user of the machine, and what an actor may do."""
