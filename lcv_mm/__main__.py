"""The tools as one command, where the package is installed without its repository:  lcv_mm train CONFIG ..."""

import runpy
import sys
from pathlib import Path

TOOLS = Path(__file__).parent / 'tools'


def main() -> None:
    """Run `tools/<first argument>.py` with the arguments after it."""
    names = sorted(file.stem for file in TOOLS.glob('*.py'))
    usage = f'usage: lcv_mm TOOL [args of the tool]\nTOOL: {", ".join(names)}'
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ''
    if name in ('-h', '--help'):
        print(usage)
        return
    if name not in names:
        raise SystemExit(usage)
    runpy.run_path(str(TOOLS / f'{name}.py'), run_name='__main__')


if __name__ == '__main__':
    main()
