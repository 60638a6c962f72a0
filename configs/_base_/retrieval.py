"""Evaluation of a retriever: mAP with the training images as the database, and top-1 of its classifier."""

from lcv_mm.phpq import ClassScoreAccuracy, DatabaseHook, RetrievalMAP

# The queries are the test images and the database the training images, as in FPH and later hashing papers
val_evaluator = [dict(type=RetrievalMAP), dict(type=ClassScoreAccuracy, topk=(1, 5))]
test_evaluator = val_evaluator
database_hook = dict(type=DatabaseHook)
