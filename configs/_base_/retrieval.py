"""What is measured of a retriever: mAP over the training images as the database, and top-1 of its classifier."""

from lcv_mm.phpq import ClassScoreAccuracy, DatabaseHook, RetrievalMAP

# Queries are the test images, the database the training images, as in FPH and the hashing papers that follow it
val_evaluator = [dict(type=RetrievalMAP), dict(type=ClassScoreAccuracy, topk=(1, 5))]
test_evaluator = val_evaluator
database_hook = dict(type=DatabaseHook)
