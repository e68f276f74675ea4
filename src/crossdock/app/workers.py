"""The workers of a service: how many, and what they are given."""

import os
from collections.abc import Callable

from crossdock.adapters.host.workers.answers import Parent
from crossdock.adapters.host.workers.crew import Crew
from crossdock.adapters.host.workers.orders import Begin
from crossdock.adapters.host.workers.worker import Worker
from crossdock.app.cloud import is_embedded
from crossdock.app.disk import Disk
from crossdock.operations.call import House
from crossdock.settings import Settings, foreign_variables

MARK_BYTES = 4


def build_crew(settings: Settings, disk: Disk, house: House, parent: Parent) -> Crew:
    async def hire(ready: Callable[[], None]) -> Worker:
        mark = os.urandom(MARK_BYTES)
        worker = Worker(parent, mark=mark, tasks=house.tasks, ready=ready, variables=foreign_variables())
        await worker.start(
            Begin(
                data_dir=str(disk.directory.path),
                mark=mark.hex(),
                share=settings.workers,
                log_level=settings.logs.level,
                login=settings.login,
                sftp=settings.sftp,
                uploads=settings.uploads,
                allow_append=settings.ftp.allow_append,
                rename_directories=settings.ftp.rename_directories,
                region=settings.region,
                aws=settings.aws,
                is_at_aws=not is_embedded(settings),
            )
        )
        return worker

    return Crew(settings.workers, hire, tasks=house.tasks)
