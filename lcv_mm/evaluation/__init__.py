"""What is measured of a trained model beside its accuracy."""

from .class_variance_metric import ClassVarianceMetric, feature_quality

__all__ = ['ClassVarianceMetric', 'feature_quality']
