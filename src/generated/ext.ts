/* Generated from openapi/ by `npm run generate`; do not edit. */
export interface paths {
    readonly "/ext/v1/openapi.json": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** This document */
        readonly get: operations["getDocument"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/ext/v1/tasks/{id}/logs/{attempt}/{executor}/{stream}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * One stream of an executor, whole, also while it runs
         * @description For whoever may see the task. Of a running executor it is what has been written by now.
         */
        readonly get: operations["getLog"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/healthz": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Is the process alive */
        readonly get: operations["getLiveness"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/readyz": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Can the server take tasks
         * @description The database answers and a destination has run its check job.
         */
        readonly get: operations["getReadiness"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        readonly Error: {
            /** @description Machine-readable, see docs/errors.md. */
            readonly code: string;
            readonly details: readonly components["schemas"]["Problem"][];
            readonly message: string;
            /** @description Also in X-Request-Id, and in the log of the server. */
            readonly request_id: string;
            /** @description The HTTP status. */
            readonly status: number;
        };
        readonly Liveness: {
            /** @enum {string} */
            readonly status: "ok";
        };
        readonly Problem: {
            /** @example executors[0].image */
            readonly field: string;
            readonly message: string;
        };
        readonly Readiness: {
            /** @enum {string} */
            readonly status: "ready";
        };
    };
    responses: {
        /** @description The one shape of every error of this server, also of TES. */
        readonly Refused: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly getDocument: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description OpenAPI 3.0. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": Record<string, never>;
                };
            };
            readonly 403: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
    readonly getLog: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Works for logs longer than what the task shows of them. */
                readonly Range?: string;
            };
            readonly path: {
                /** @description Position in the `logs` of the task, from 1. */
                readonly attempt: number;
                /** @description Position in the `executors` of the task, from 0. */
                readonly executor: number;
                /** @description Id of the task. */
                readonly id: string;
                readonly stream: "stdout" | "stderr";
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The log. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/plain": string;
                };
            };
            /** @description The range of it that was asked for. */
            readonly 206: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/plain": string;
                };
            };
            readonly 401: components["responses"]["Refused"];
            readonly 403: components["responses"]["Refused"];
            readonly 404: components["responses"]["Refused"];
            readonly 416: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
    readonly getLiveness: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Liveness"];
                };
            };
        };
    };
    readonly getReadiness: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It can. */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Readiness"];
                };
            };
            readonly 503: components["responses"]["Refused"];
        };
    };
}
