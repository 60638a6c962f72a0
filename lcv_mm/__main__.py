"""`python -m lcv_mm`: the command `lcv_mm`."""

from lcv_mm_cli import main

if __name__ == '__main__':
    main()
