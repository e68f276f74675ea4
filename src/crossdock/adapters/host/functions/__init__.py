"""Functions as processes of this computer, each under AWS's own runtime client and a supervisor of ours.

    runner      SubprocessRunner, which is `ports.functions.FunctionRunner`
    pool        who gets a process (waiting: who waits for one)
    reports     the platform's own lines in a function's log
    workshop    what a process needs before it can be started, and the clearing up
    process     one process: started, asked, ended
    supervised  a program under the supervisor, as the service sees it
    runtime_api the Lambda Runtime API on loopback, which the processes ask for work
    launcher    the supervisor program: limits, another uid, and no descendant left behind
    runtime     the program that becomes the function
    isolation   which uid a function runs as, and what start-up says when it cannot have its own
    code        archives on disk, and their unpacked form
    output      what a function prints, in bounded memory

Every process has a secret of its own in the path of the Runtime API's address. AWS's client keeps such a path in its
compiled part; in its Python part, which only reports failed initialisations, `runtime` puts it back. That is why one
listening port serves all, and why no process can take or answer another's invocations, as long as their environments
cannot be read by each other: processes of one uid can, which is what `isolation` is about.
"""
