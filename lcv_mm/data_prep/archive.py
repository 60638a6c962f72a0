"""What is known of a file that a dataset comes in, and whether a file is that one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class Archive:
    """A file to download.

    Args:
        name (str): Its name, on the server and here.
        url (str): Where it comes from.
        md5 (str): Its MD5, 32 hexadecimal digits.
        size (int | None): Its size in bytes; None where it is not known.
        is_tar (bool): Whether it is a tar file, compressed or not, to be unpacked; False for a file that is copied.
        inner (str): The folder inside the tar file that is taken, without its name; '' for all.
    """

    name: str
    url: str
    md5: str
    size: int | None = None
    is_tar: bool = True
    inner: str = ''

    def fault_of(self, file: Path) -> str | None:
        """Whether a file is this one: its size first, then its MD5.

        Args:
            file (Path): A file that exists.

        Returns:
            str | None: What is wrong, such as 'its MD5 is ..., expected ...'; None for nothing.
        """
        size = file.stat().st_size
        if self.size is not None and size != self.size:
            return f'it has {size} bytes, expected {self.size}'
        found = _md5(file)
        return None if found == self.md5 else f'its MD5 is {found}, expected {self.md5}'


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open('rb') as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
