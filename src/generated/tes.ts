/* Generated from openapi/ by `npm run generate`; do not edit. */
export interface paths {
    readonly "/service-info": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * GetServiceInfo
         * @description Provides information about the service, this structure is based on the
         *     standardized GA4GH service info structure. In addition, this endpoint
         *     will also provide information about customized storage endpoints offered
         *     by the TES server.
         */
        readonly get: operations["GetServiceInfo"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/tasks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * ListTasks
         * @description List tasks tracked by the TES server. This includes queued, active and completed tasks.
         *     How long completed tasks are stored by the system may be dependent on the underlying
         *     implementation.
         */
        readonly get: operations["ListTasks"];
        readonly put?: never;
        /**
         * CreateTask
         * @description Create a new task. The user provides a Task document, which the server
         *     uses as a basis and adds additional fields.
         */
        readonly post: operations["CreateTask"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/tasks/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * GetTask
         * @description Get a single task, based on providing the exact task ID string.
         */
        readonly get: operations["GetTask"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/tasks/{id}:cancel": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * CancelTask
         * @description Cancel a task based on providing an exact task ID.
         */
        readonly post: operations["CancelTask"];
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
        /** @description A task in the view MINIMAL. */
        readonly MinimalTask: {
            readonly id: string;
            readonly state: components["schemas"]["tesState"];
        };
        /** @description Tasks in the view MINIMAL. */
        readonly MinimalTasks: {
            readonly next_page_token?: string;
            readonly tasks: readonly components["schemas"]["MinimalTask"][];
        };
        readonly Problem: {
            /** @example executors[0].image */
            readonly field: string;
            readonly message: string;
        };
        /** @description GA4GH service */
        readonly Service: {
            /**
             * Format: uri
             * @description URL of the contact for the provider of this service, e.g. a link to a contact form (RFC 3986 format), or an email (RFC 2368 format).
             * @example mailto:support@example.com
             */
            readonly contactUrl?: string;
            /**
             * Format: date-time
             * @description Timestamp describing when the service was first deployed and available (RFC 3339 format)
             * @example 2019-06-04T12:58:19Z
             */
            readonly createdAt?: string;
            /**
             * @description Description of the service. Should be human readable and provide information about the service.
             * @example This service provides...
             */
            readonly description?: string;
            /**
             * Format: uri
             * @description URL of the documentation of this service (RFC 3986 format). This should help someone learn how to use your service, including any specifics required to access data, e.g. authentication.
             * @example https://docs.myservice.example.com
             */
            readonly documentationUrl?: string;
            /**
             * @description Environment the service is running in. Use this to distinguish between production, development and testing/staging deployments. Suggested values are prod, test, dev, staging. However this is advised and not enforced.
             * @example test
             */
            readonly environment?: string;
            /**
             * @description Unique ID of this service. Reverse domain name notation is recommended, though not required. The identifier should attempt to be globally unique so it can be used in downstream aggregator services e.g. Service Registry.
             * @example org.ga4gh.myservice
             */
            readonly id: string;
            /**
             * @description Name of this service. Should be human readable.
             * @example My project
             */
            readonly name: string;
            /** @description Organization providing the service */
            readonly organization: {
                /**
                 * @description Name of the organization responsible for the service
                 * @example My organization
                 */
                readonly name: string;
                /**
                 * Format: uri
                 * @description URL of the website of the organization (RFC 3986 format)
                 * @example https://example.com
                 */
                readonly url: string;
            };
            readonly type: components["schemas"]["ServiceType"];
            /**
             * Format: date-time
             * @description Timestamp describing when the service was last updated (RFC 3339 format)
             * @example 2019-06-04T12:58:19Z
             */
            readonly updatedAt?: string;
            /**
             * @description Version of the service being described. Semantic versioning is recommended, but other identifiers, such as dates or commit hashes, are also allowed. The version should be changed whenever the service is updated.
             * @example 1.0.0
             */
            readonly version: string;
        };
        /** @description Type of a GA4GH service */
        readonly ServiceType: {
            /**
             * @description Name of the API or GA4GH specification implemented. Official GA4GH types should be assigned as part of standards approval process. Custom artifacts are supported.
             * @example beacon
             */
            readonly artifact: string;
            /**
             * @description Namespace in reverse domain name format. Use `org.ga4gh` for implementations compliant with official GA4GH specifications. For services with custom APIs not standardized by GA4GH, or implementations diverging from official GA4GH specifications, use a different namespace (e.g. your organization's reverse domain name).
             * @example org.ga4gh
             */
            readonly group: string;
            /**
             * @description Version of the API or specification. GA4GH specifications use semantic versioning.
             * @example 1.0.0
             */
            readonly version: string;
        };
        /** @description CancelTaskResponse describes a response from the CancelTask endpoint. */
        readonly tesCancelTaskResponse: Record<string, never>;
        /**
         * @description CreateTaskResponse describes a response from the CreateTask endpoint. It
         *     will include the task ID that can be used to look up the status of the job.
         */
        readonly tesCreateTaskResponse: {
            /** @description Task identifier assigned by the server. */
            readonly id: string;
        };
        /** @description Executor describes a command to be executed, and its environment. */
        readonly tesExecutor: {
            /**
             * @description A sequence of program arguments to execute, where the first argument
             *     is the program to execute (i.e. argv). Example:
             *     ```
             *     {
             *       "command" : ["/bin/md5", "/data/file1"]
             *     }
             *     ```
             * @example [
             *       "/bin/md5",
             *       "/data/file1"
             *     ]
             */
            readonly command: readonly string[];
            /**
             * @description Enviromental variables to set within the container. Example:
             *     ```
             *     {
             *       "env" : {
             *         "ENV_CONFIG_PATH" : "/data/config.file",
             *         "BLASTDB" : "/data/GRC38",
             *         "HMMERDB" : "/data/hmmer"
             *       }
             *     }
             *     ```
             * @example {
             *       "BLASTDB": "/data/GRC38",
             *       "HMMERDB": "/data/hmmer"
             *     }
             */
            readonly env?: {
                readonly [key: string]: string;
            };
            /**
             * @description Default behavior of running an array of executors is that execution
             *     stops on the first error. If `ignore_error` is `True`, then the
             *     runner will record error exit codes, but will continue on to the next
             *     tesExecutor.
             */
            readonly ignore_error?: boolean;
            /**
             * @description Name of the container image. The string will be passed as the image
             *     argument to the containerization run command. Examples:
             *        - `ubuntu`
             *        - `quay.io/aptible/ubuntu`
             *        - `gcr.io/my-org/my-image`
             *        - `myregistryhost:5000/fedora/httpd:version1.0`
             * @example ubuntu:20.04
             */
            readonly image: string;
            /**
             * @description Path inside the container to a file where the executor's
             *     stderr will be written to. Must be an absolute path. Example:
             *     ```
             *     {
             *       "stderr" : "/tmp/stderr.log"
             *     }
             *     ```
             * @example /tmp/stderr.log
             */
            readonly stderr?: string;
            /**
             * @description Path inside the container to a file which will be piped
             *     to the executor's stdin. This must be an absolute path. This mechanism
             *     could be used in conjunction with the input declaration to process
             *     a data file using a tool that expects STDIN.
             *
             *     For example, to get the MD5 sum of a file by reading it into the STDIN
             *     ```
             *     {
             *       "command" : ["/bin/md5"],
             *       "stdin" : "/data/file1"
             *     }
             *     ```
             * @example /data/file1
             */
            readonly stdin?: string;
            /**
             * @description Path inside the container to a file where the executor's
             *     stdout will be written to. Must be an absolute path. Example:
             *     ```
             *     {
             *       "stdout" : "/tmp/stdout.log"
             *     }
             *     ```
             * @example /tmp/stdout.log
             */
            readonly stdout?: string;
            /**
             * @description The working directory that the command will be executed in.
             *     If not defined, the system will default to the directory set by
             *     the container image.
             * @example /data/
             */
            readonly workdir?: string;
        };
        /** @description ExecutorLog describes logging information related to an Executor. */
        readonly tesExecutorLog: {
            /**
             * @description Time the executor ended, in RFC 3339 format.
             * @example 2020-10-02T11:00:00-05:00
             */
            readonly end_time?: string;
            /**
             * Format: int32
             * @description Exit code.
             */
            readonly exit_code: number;
            /**
             * @description Time the executor started, in RFC 3339 format.
             * @example 2020-10-02T10:00:00-05:00
             */
            readonly start_time?: string;
            /**
             * @description Stderr content.
             *
             *     This is meant for convenience. No guarantees are made about the content.
             *     Implementations may chose different approaches: only the head, only the tail,
             *     a URL reference only, etc.
             *
             *     In order to capture the full stderr client should set Executor.stderr
             *     to a container file path, and use Task.outputs to upload that file
             *     to permanent storage.
             */
            readonly stderr?: string;
            /**
             * @description Stdout content.
             *
             *     This is meant for convenience. No guarantees are made about the content.
             *     Implementations may chose different approaches: only the head, only the tail,
             *     a URL reference only, etc.
             *
             *     In order to capture the full stdout client should set Executor.stdout
             *     to a container file path, and use Task.outputs to upload that file
             *     to permanent storage.
             */
            readonly stdout?: string;
        };
        /**
         * @description Define if input/output element is a file or a directory. It is not required
         *     that the user provide this value, but it is required that the server fill in the
         *     value once the information is avalible at run time.
         * @default FILE
         * @enum {string}
         */
        readonly tesFileType: "FILE" | "DIRECTORY";
        /** @description Input describes Task input files. */
        readonly tesInput: {
            /**
             * @description File content literal.
             *
             *     Implementations should support a minimum of 128 KiB in this field
             *     and may define their own maximum.
             *
             *     UTF-8 encoded
             *
             *     If content is not empty, "url" must be ignored.
             */
            readonly content?: string;
            readonly description?: string;
            readonly name?: string;
            /**
             * @description Path of the file inside the container.
             *     Must be an absolute path.
             * @example /data/file1
             */
            readonly path: string;
            /**
             * @description Indicate that a file resource could be accessed using a streaming
             *     interface, ie a FUSE mounted s3 object. This flag indicates that
             *     using a streaming mount, as opposed to downloading the whole file to
             *     the local scratch space, may be faster despite the latency and
             *     overhead. This does not mean that the backend will use a streaming
             *     interface, as it may not be provided by the vendor, but if the
             *     capacity is avalible it can be used without degrading the
             *     performance of the underlying program.
             */
            readonly streamable?: boolean;
            readonly type?: components["schemas"]["tesFileType"];
            /**
             * @description REQUIRED, unless "content" is set.
             *
             *     URL in long term storage, for example:
             *      - s3://my-object-store/file1
             *      - gs://my-bucket/file2
             *      - file:///path/to/my/file
             *      - /path/to/my/file
             * @example s3://my-object-store/file1
             */
            readonly url?: string;
        };
        /** @description ListTasksResponse describes a response from the ListTasks endpoint. */
        readonly tesListTasksResponse: {
            /**
             * @description Token used to return the next page of results. This value can be used
             *     in the `page_token` field of the next ListTasks request.
             */
            readonly next_page_token?: string;
            /**
             * @description List of tasks. These tasks will be based on the original submitted
             *     task document, but with other fields, such as the job state and
             *     logging info, added/changed as the job progresses.
             */
            readonly tasks: readonly components["schemas"]["tesTask"][];
        };
        /** @description Output describes Task output files. */
        readonly tesOutput: {
            /** @description Optional users provided description field, can be used for documentation. */
            readonly description?: string;
            /** @description User-provided name of output file */
            readonly name?: string;
            /**
             * @description Absolute path of the file inside the container.
             *     May contain pattern matching wildcards to select multiple outputs at once, but mind
             *     implications for `tesOutput.url` and `tesOutput.path_prefix`.
             *     Only wildcards defined in IEEE Std 1003.1-2017 (POSIX), 12.3 are supported; see
             *     https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_13
             */
            readonly path: string;
            /**
             * @description Prefix to be removed from matching outputs if `tesOutput.path` contains wildcards;
             *     output URLs are constructed by appending pruned paths to the directory specfied
             *     in `tesOutput.url`.
             *     Required if `tesOutput.path` contains wildcards, ignored otherwise.
             */
            readonly path_prefix?: string;
            readonly type?: components["schemas"]["tesFileType"];
            /**
             * @description URL at which the TES server makes the output accessible after the task is complete.
             *     When tesOutput.path contains wildcards, it must be a directory; see
             *     `tesOutput.path_prefix` for details on how output URLs are constructed in this case.
             *     For Example:
             *      - `s3://my-object-store/file1`
             *      - `gs://my-bucket/file2`
             *      - `file:///path/to/my/file`
             */
            readonly url: string;
        };
        /**
         * @description OutputFileLog describes a single output file. This describes
         *     file details after the task has completed successfully,
         *     for logging purposes.
         */
        readonly tesOutputFileLog: {
            /** @description Path of the file inside the container. Must be an absolute path. */
            readonly path: string;
            /**
             * Format: int64
             * @description Size of the file in bytes. Note, this is currently coded as a string
             *     because official JSON doesn't support int64 numbers.
             * @example [
             *       "1024"
             *     ]
             */
            readonly size_bytes: string;
            /** @description URL of the file in storage, e.g. s3://bucket/file.txt */
            readonly url: string;
        };
        /** @description Resources describes the resources requested by a task. */
        readonly tesResources: {
            /**
             * @description Key/value pairs for backend configuration.
             *     ServiceInfo shall return a list of keys that a backend supports.
             *     Keys are case insensitive.
             *     It is expected that clients pass all runtime or hardware requirement key/values
             *     that are not mapped to existing tesResources properties to backend_parameters.
             *     Backends shall log system warnings if a key is passed that is unsupported.
             *     Backends shall not store or return unsupported keys if included in a task.
             *     If backend_parameters_strict equals true,
             *     backends should fail the task if any key/values are unsupported, otherwise,
             *     backends should attempt to run the task
             *     Intended uses include VM size selection, coprocessor configuration, etc.
             *     Example:
             *     ```
             *     {
             *       "backend_parameters" : {
             *         "VmSize" : "Standard_D64_v3"
             *       }
             *     }
             *     ```
             * @example {
             *       "VmSize": "Standard_D64_v3"
             *     }
             */
            readonly backend_parameters?: {
                readonly [key: string]: string;
            };
            /**
             * Format: boolean
             * @description If set to true, backends should fail the task if any backend_parameters
             *     key/values are unsupported, otherwise, backends should attempt to run the task
             * @default false
             * @example false
             */
            readonly backend_parameters_strict?: boolean;
            /**
             * Format: int32
             * @description Requested number of CPUs
             * @example 4
             */
            readonly cpu_cores?: number;
            /**
             * Format: double
             * @description Requested disk size in gigabytes (GB)
             * @example 40
             */
            readonly disk_gb?: number;
            /**
             * Format: boolean
             * @description Define if the task is allowed to run on preemptible compute instances,
             *     for example, AWS Spot. This option may have no effect when utilized
             *     on some backends that don't have the concept of preemptible jobs.
             * @example false
             */
            readonly preemptible?: boolean;
            /**
             * Format: double
             * @description Requested RAM required in gigabytes (GB)
             * @example 8
             */
            readonly ram_gb?: number;
            /**
             * @description Request that the task be run in these compute zones. How this string
             *     is utilized will be dependent on the backend system. For example, a
             *     system based on a cluster queueing system may use this string to define
             *     priorty queue to which the job is assigned.
             * @example us-west-1
             */
            readonly zones?: readonly string[];
        };
        readonly tesServiceInfo: components["schemas"]["Service"] & {
            /**
             * @description Lists some, but not necessarily all, storage locations supported
             *     by the service.
             * @example [
             *       "file:///path/to/local/funnel-storage",
             *       "s3://ohsu-compbio-funnel/storage"
             *     ]
             */
            readonly storage?: readonly string[];
            /**
             * @description Lists all tesResources.backend_parameters keys supported
             *     by the service
             * @example [
             *       "VmSize"
             *     ]
             */
            readonly tesResources_backend_parameters?: readonly string[];
            readonly type?: components["schemas"]["tesServiceType"];
        };
        readonly tesServiceType: components["schemas"]["ServiceType"] & {
            /**
             * @example tes
             * @enum {string}
             */
            readonly artifact: "tes";
        };
        /**
         * @description Task state as defined by the server.
         *
         *      - `UNKNOWN`: The state of the task is unknown. The cause for this status
         *       message may be dependent on the underlying system. The `UNKNOWN` states
         *       provides a safe default for messages where this field is missing so
         *       that a missing field does not accidentally imply that
         *       the state is QUEUED.
         *      - `QUEUED`: The task is queued and awaiting resources to begin computing.
         *      - `INITIALIZING`: The task has been assigned to a worker and is currently preparing to run.
         *     For example, the worker may be turning on, downloading input files, etc.
         *      - `RUNNING`: The task is running. Input files are downloaded and the first Executor
         *     has been started.
         *      - `PAUSED`: The task is paused. The reasons for this would be tied to
         *       the specific system running the job. An implementation may have the ability
         *       to pause a task, but this is not required.
         *      - `COMPLETE`: The task has completed running. Executors have exited without error
         *     and output files have been successfully uploaded.
         *      - `EXECUTOR_ERROR`: The task encountered an error in one of the Executor processes. Generally,
         *     this means that an Executor exited with a non-zero exit code.
         *      - `SYSTEM_ERROR`: The task was stopped due to a system error, but not from an Executor,
         *     for example an upload failed due to network issues, the worker's ran out
         *     of disk space, etc.
         *      - `CANCELED`: The task was canceled by the user, and downstream resources have been deleted.
         *      - `CANCELING`: The task was canceled by the user,
         *     but the downstream resources are still awaiting deletion.
         *      - `PREEMPTED`: The task is stopped (preempted) by the system. The reasons for this would be tied to
         *     the specific system running the job. Generally, this means that the system reclaimed the compute
         *     capacity for reallocation.
         * @default UNKNOWN
         * @example COMPLETE
         * @enum {string}
         */
        readonly tesState: "UNKNOWN" | "QUEUED" | "INITIALIZING" | "RUNNING" | "PAUSED" | "COMPLETE" | "EXECUTOR_ERROR" | "SYSTEM_ERROR" | "CANCELED" | "PREEMPTED" | "CANCELING";
        /** @description Task describes an instance of a task. */
        readonly tesTask: {
            /**
             * @description Date + time the task was created, in RFC 3339 format.
             *     This is set by the system, not the client.
             * @example 2020-10-02T10:00:00-05:00
             */
            readonly creation_time?: string;
            /** @description Optional user-provided description of task for documentation purposes. */
            readonly description?: string;
            /**
             * @description An array of executors to be run. Each of the executors will run one
             *     at a time sequentially. Each executor is a different command that
             *     will be run, and each can utilize a different docker image. But each of
             *     the executors will see the same mapped inputs and volumes that are declared
             *     in the parent CreateTask message.
             *
             *     Execution stops on the first error.
             */
            readonly executors: readonly components["schemas"]["tesExecutor"][];
            /**
             * @description Task identifier assigned by the server.
             * @example job-0012345
             */
            readonly id?: string;
            /**
             * @description Input files that will be used by the task. Inputs will be downloaded
             *     and mounted into the executor container as defined by the task request
             *     document.
             * @example [
             *       {
             *         "url": "s3://my-object-store/file1",
             *         "path": "/data/file1"
             *       }
             *     ]
             */
            readonly inputs?: readonly components["schemas"]["tesInput"][];
            /**
             * @description Task logging information.
             *     Normally, this will contain only one entry, but in the case where
             *     a task fails and is retried, an entry will be appended to this list.
             */
            readonly logs?: readonly components["schemas"]["tesTaskLog"][];
            /** @description User-provided task name. */
            readonly name?: string;
            /**
             * @description Output files.
             *     Outputs will be uploaded from the executor container to long-term storage.
             * @example [
             *       {
             *         "path": "/data/outfile",
             *         "url": "s3://my-object-store/outfile-1",
             *         "type": "FILE"
             *       }
             *     ]
             */
            readonly outputs?: readonly components["schemas"]["tesOutput"][];
            readonly resources?: components["schemas"]["tesResources"];
            readonly state?: components["schemas"]["tesState"];
            /**
             * @description A key-value map of arbitrary tags. These can be used to store meta-data
             *     and annotations about a task. Example:
             *     ```
             *     {
             *       "tags" : {
             *           "WORKFLOW_ID" : "cwl-01234",
             *           "PROJECT_GROUP" : "alice-lab"
             *       }
             *     }
             *     ```
             * @example {
             *       "WORKFLOW_ID": "cwl-01234",
             *       "PROJECT_GROUP": "alice-lab"
             *     }
             */
            readonly tags?: {
                readonly [key: string]: string;
            };
            /**
             * @description Volumes are directories which may be used to share data between
             *     Executors. Volumes are initialized as empty directories by the
             *     system when the task starts and are mounted at the same path
             *     in each Executor.
             *
             *     For example, given a volume defined at `/vol/A`,
             *     executor 1 may write a file to `/vol/A/exec1.out.txt`, then
             *     executor 2 may read from that file.
             *
             *     (Essentially, this translates to a `docker run -v` flag where
             *     the container path is the same for each executor).
             * @example [
             *       "/vol/A/"
             *     ]
             */
            readonly volumes?: readonly string[];
        };
        /** @description TaskLog describes logging information related to a Task. */
        readonly tesTaskLog: {
            /**
             * @description When the task ended, in RFC 3339 format.
             * @example 2020-10-02T11:00:00-05:00
             */
            readonly end_time?: string;
            /** @description Logs for each executor */
            readonly logs: readonly components["schemas"]["tesExecutorLog"][];
            /**
             * @description Arbitrary logging metadata included by the implementation.
             * @example {
             *       "host": "worker-001",
             *       "slurmm_id": 123456
             *     }
             */
            readonly metadata?: {
                readonly [key: string]: string;
            };
            /**
             * @description Information about all output files. Directory outputs are
             *     flattened into separate items.
             */
            readonly outputs: readonly components["schemas"]["tesOutputFileLog"][];
            /**
             * @description When the task started, in RFC 3339 format.
             * @example 2020-10-02T10:00:00-05:00
             */
            readonly start_time?: string;
            /**
             * @description System logs are any logs the system decides are relevant,
             *     which are not tied directly to an Executor process.
             *     Content is implementation specific: format, size, etc.
             *
             *     System logs may be collected here to provide convenient access.
             *
             *     For example, the system may include the name of the host
             *     where the task is executing, an error message that caused
             *     a SYSTEM_ERROR state (e.g. disk is full), etc.
             *
             *     System logs are only included in the FULL task view.
             */
            readonly system_logs?: readonly string[];
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
    parameters: {
        /**
         * @description OPTIONAL. Affects the fields included in the returned Task messages.
         *
         *     `MINIMAL`: Task message will include ONLY the fields:
         *     - `tesTask.Id`
         *     - `tesTask.State`
         *
         *     `BASIC`: Task message will include all fields EXCEPT:
         *     - `tesTask.ExecutorLog.stdout`
         *     - `tesTask.ExecutorLog.stderr`
         *     - `tesInput.content`
         *     - `tesTaskLog.system_logs`
         *
         *     `FULL`: Task message includes all fields.
         */
        readonly view: "MINIMAL" | "BASIC" | "FULL";
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly GetServiceInfo: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["tesServiceInfo"];
                };
            };
            readonly 403: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
    readonly ListTasks: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description OPTIONAL. Filter the list to include tasks where the name matches this prefix.
                 *     If unspecified, no task name filtering is done.
                 */
                readonly name_prefix?: string;
                /**
                 * @description Optional number of tasks to return in one page.
                 *     Must be less than 2048. Defaults to 256.
                 */
                readonly page_size?: number;
                /**
                 * @description OPTIONAL. Page token is used to retrieve the next page of results.
                 *     If unspecified, returns the first page of results. The value can be found
                 *     in the `next_page_token` field of the last returned result of ListTasks
                 */
                readonly page_token?: string;
                /**
                 * @description OPTIONAL. Filter tasks by state. If unspecified,
                 *     no task state filtering is done.
                 */
                readonly state?: components["schemas"]["tesState"];
                /**
                 * @description OPTIONAL. Provide key tag to filter. The field tag_key is an array
                 *     of key values, and will be zipped with an optional tag_value array.
                 *     So the query:
                 *     ```
                 *       ?tag_key=foo1&tag_value=bar1&tag_key=foo2&tag_value=bar2
                 *     ```
                 *     Should be constructed into the structure { "foo1" : "bar1", "foo2" : "bar2"}
                 *
                 *     ```
                 *       ?tag_key=foo1
                 *     ```
                 *     Should be constructed into the structure {"foo1" : ""}
                 *
                 *     If the tag_value is empty, it will be treated as matching any possible value.
                 *     If a tag value is provided, both the tag's key and value must be exact
                 *     matches for a task to be returned.
                 *     Filter                            Tags                          Match?
                 *     ----------------------------------------------------------------------
                 *     {"foo": "bar"}                    {"foo": "bar"}                Yes
                 *     {"foo": "bar"}                    {"foo": "bat"}                No
                 *     {"foo": ""}                       {"foo": ""}                   Yes
                 *     {"foo": "bar", "baz": "bat"}      {"foo": "bar", "baz": "bat"}  Yes
                 *     {"foo": "bar"}                    {"foo": "bar", "baz": "bat"}  Yes
                 *     {"foo": "bar", "baz": "bat"}      {"foo": "bar"}                No
                 *     {"foo": ""}                       {"foo": "bar"}                Yes
                 *     {"foo": ""}                       {}                            No
                 */
                readonly tag_key?: readonly string[];
                /** @description OPTIONAL. The companion value field for tag_key */
                readonly tag_value?: readonly string[];
                /**
                 * @description OPTIONAL. Affects the fields included in the returned Task messages.
                 *
                 *     `MINIMAL`: Task message will include ONLY the fields:
                 *     - `tesTask.Id`
                 *     - `tesTask.State`
                 *
                 *     `BASIC`: Task message will include all fields EXCEPT:
                 *     - `tesTask.ExecutorLog.stdout`
                 *     - `tesTask.ExecutorLog.stderr`
                 *     - `tesInput.content`
                 *     - `tesTaskLog.system_logs`
                 *
                 *     `FULL`: Task message includes all fields.
                 */
                readonly view?: components["parameters"]["view"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["tesListTasksResponse"] | components["schemas"]["MinimalTasks"];
                };
            };
            readonly 400: components["responses"]["Refused"];
            readonly 401: components["responses"]["Refused"];
            readonly 403: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
    readonly CreateTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Creations with the same key and body make one task, for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["tesTask"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["tesCreateTaskResponse"];
                };
            };
            readonly 400: components["responses"]["Refused"];
            readonly 401: components["responses"]["Refused"];
            readonly 403: components["responses"]["Refused"];
            readonly 409: components["responses"]["Refused"];
            readonly 413: components["responses"]["Refused"];
            readonly 415: components["responses"]["Refused"];
            readonly 422: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
    readonly GetTask: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description OPTIONAL. Affects the fields included in the returned Task messages.
                 *
                 *     `MINIMAL`: Task message will include ONLY the fields:
                 *     - `tesTask.Id`
                 *     - `tesTask.State`
                 *
                 *     `BASIC`: Task message will include all fields EXCEPT:
                 *     - `tesTask.ExecutorLog.stdout`
                 *     - `tesTask.ExecutorLog.stderr`
                 *     - `tesInput.content`
                 *     - `tesTaskLog.system_logs`
                 *
                 *     `FULL`: Task message includes all fields.
                 */
                readonly view?: components["parameters"]["view"];
            };
            readonly header?: {
                /** @description `wait=N` holds the answer until the state changes, at most N seconds. */
                readonly Prefer?: string;
            };
            readonly path: {
                /** @description ID of task to retrieve. */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["tesTask"] | components["schemas"]["MinimalTask"];
                };
            };
            readonly 400: components["responses"]["Refused"];
            readonly 401: components["responses"]["Refused"];
            readonly 403: components["responses"]["Refused"];
            readonly 404: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
    readonly CancelTask: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /** @description ID of task to be canceled. */
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["tesCancelTaskResponse"];
                };
            };
            readonly 401: components["responses"]["Refused"];
            readonly 403: components["responses"]["Refused"];
            readonly 404: components["responses"]["Refused"];
            readonly 429: components["responses"]["Refused"];
            readonly 500: components["responses"]["Refused"];
            readonly 503: components["responses"]["Refused"];
        };
    };
}
