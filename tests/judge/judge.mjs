// Decides simulations, one JSON document a line, with another engine than Crossdock's. Answers a line each:
// {"verdict": "Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied"} or {"refused": why it would not decide}.

import { createInterface } from 'node:readline'
import { anonymousPrincipal, runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const simulation = JSON.parse(line)
  if (simulation.request.principal === '*') simulation.request.principal = anonymousPrincipal
  const found = await runSimulation(simulation, {})
  const answer =
    found.resultType === 'error'
      ? { refused: JSON.stringify(found.errors) }
      : { verdict: found.overallResult, ignored: found.result?.ignoredContextKeys ?? [] }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
