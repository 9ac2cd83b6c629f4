"""cwl-tes 0.3.0 as `cwl-tes` starts it, less its look at the versions of what it is built on.

It names an rdflib-jsonld that no setuptools of today builds; with a newer one it works, but refuses to say its version.
"""
import sys

import cwl_tes.main

cwl_tes.main.versionstring = lambda: "cwl-tes 0.3.0"
sys.exit(cwl_tes.main.main())
