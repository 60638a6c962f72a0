"""Errors of torch and the toolbox in a running model that have one known cause, and what to do about it."""

import re
import traceback

# pattern of the error's text -> what to say; `{}` stands for what the pattern caught
KNOWN = {
    r'(Expected more than 1 value per channel when training)': (
        'a batch of one image came to a BatchNorm layer in training, which needs two or more values a channel; '
        'set train_dataloader.batch_size to 2 or more, and train_dataloader.drop_last=True if the last batch of the '
        'epoch holds a single image'
    ),
    r'stack expects each tensor to be equal size, but got (.+)': (
        'the images of a batch differ in size ({}); expected one size: let the pipeline of the dataset end '
        'with a crop (RandomCrop, CenterCrop) no larger than the smallest image, or with Resize(scale=(W, H))'
    ),
    r'failed to load image: (.+)': (
        'the image {} can not be decoded; expected a JPEG or PNG: get it anew, or take it out of the lists'
    ),
    r"can't allocate memory: you tried to allocate (\d+ bytes)": (
        'not enough memory for {}; lower train_dataloader.batch_size, the crop, or the dimensions of model.head'
    ),
    r'CUDA out of memory\. Tried to allocate ([\d.]+ \w+)': (
        'not enough memory on the GPU for {}; lower train_dataloader.batch_size or the crop, or run with --amp'
    ),
}


def run_problem(error: Exception) -> str | None:
    """What is wrong and what to do, or None if the error is not one of the known and none of our own checks.

    Args:
        error (Exception): As raised; what a worker of a dataloader raised holds its traceback in the text.

    Returns:
        str | None: A message for the user.
    """
    if isinstance(error, AssertionError | RuntimeError | ValueError):
        for pattern, message in KNOWN.items():
            found = re.search(pattern, str(error))
            if found:
                return message.format(found[1])
    return str(error) if is_on_purpose(error) and is_of_lcv_mm(error) else None


def is_of_lcv_mm(error: Exception) -> bool:
    """Whether one of our own checks raised it: a ValueError or TypeError says what was expected and what to do."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module = frames[-1].f_globals.get('__name__', '') if frames else ''
    return isinstance(error, ValueError | TypeError) and module.partition('.')[0] == 'lcv_mm'


def is_on_purpose(error: Exception) -> bool:
    """Whether a `raise` or an `assert` is behind the error, and not a slip of the code such as `int('a')`."""
    return last_line(error).startswith(('raise', 'assert'))


def last_line(error: Exception) -> str:
    """The line of code that raised it."""
    return traceback.extract_tb(error.__traceback__)[-1].line or ''
