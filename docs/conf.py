"""The site: ``sphinx-build -W --keep-going -b html docs docs/_build/html``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import costmodel

project = "costmodel"
author = "the costmodel authors"
version = release = costmodel.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "live"]
exclude_patterns = ["_build", "_ext"]

smartquotes = False  # padding="same" is code

html_theme = "furo"
html_title = f"costmodel {version}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
nb_execution_mode = "off"  # they are executed in the tests, and committed with their outputs

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
add_module_names = False
