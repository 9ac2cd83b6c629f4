/* Generated from openapi/ by `npm run generate`; do not edit. */
import type { Shape } from '../tasks/validation/shape.ts';

/** Every field that a create request may carry. */
export const TASK_SHAPE: Shape = {
  "fields": {
    "name": {},
    "description": {},
    "inputs": {
      "items": {
        "fields": {
          "name": {},
          "description": {},
          "url": {},
          "path": {},
          "type": {},
          "content": {},
          "streamable": {}
        },
        "aliases": {}
      }
    },
    "outputs": {
      "items": {
        "fields": {
          "name": {},
          "description": {},
          "url": {},
          "path": {},
          "path_prefix": {},
          "type": {}
        },
        "aliases": {
          "pathPrefix": "path_prefix"
        }
      }
    },
    "resources": {
      "fields": {
        "cpu_cores": {},
        "preemptible": {},
        "ram_gb": {},
        "disk_gb": {},
        "zones": {
          "items": {}
        },
        "backend_parameters": {
          "values": true
        },
        "backend_parameters_strict": {}
      },
      "aliases": {
        "cpuCores": "cpu_cores",
        "ramGb": "ram_gb",
        "diskGb": "disk_gb",
        "backendParameters": "backend_parameters",
        "backendParametersStrict": "backend_parameters_strict"
      }
    },
    "executors": {
      "items": {
        "fields": {
          "image": {},
          "command": {
            "items": {}
          },
          "workdir": {},
          "stdin": {},
          "stdout": {},
          "stderr": {},
          "env": {
            "values": true
          },
          "ignore_error": {}
        },
        "aliases": {
          "ignoreError": "ignore_error"
        }
      }
    },
    "volumes": {
      "items": {}
    },
    "tags": {
      "values": true
    }
  },
  "aliases": {}
};
