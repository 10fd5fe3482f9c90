import type { CrewRunner } from '../crew/index.ts';
import type { Feedback, FeedbackStore } from '../crew/feedback/store.ts';
import { InvalidInput, NotFound } from '../kit/errors.ts';
import { didYouMean } from '../kit/nearest.ts';

/** Keeps what a person said of a task of a run, under the agent that did it. Throws NotFound, InvalidInput. */
export async function giveFeedback(
  { runner, feedback }: { readonly runner: CrewRunner; readonly feedback: FeedbackStore },
  request: { readonly run: string; readonly task: string; readonly text: string; readonly by: string },
): Promise<Feedback> {
  const { crew, tasks } = await runner.showRun(request.run);
  const ids = tasks.map((task) => task.id);
  const task = tasks.find((one) => one.id === request.task);
  if (task === undefined)
    throw new NotFound(
      `run ${request.run} has no task '${request.task}'${didYouMean(request.task, ids)}; tasks: ${ids.join(', ')}`,
    );
  if (task.agent === null)
    throw new InvalidInput(`nobody has done ${task.id} in run ${request.run}: its status is ${task.status}`);
  const { text, by: given_by } = request;
  return feedback.add({ crew, task: task.id, agent: task.agent, text, run_id: request.run, given_by });
}
