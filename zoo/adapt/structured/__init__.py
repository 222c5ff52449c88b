"""Targets that are no class and no number: spans, answers, texts and forces.

``kinds`` says how each is judged and what knowing nothing answers, ``judging`` evaluates a model's own answers, and
``tuning`` trains a backbone's learner by the core's loop.
"""
