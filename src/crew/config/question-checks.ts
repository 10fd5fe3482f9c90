import { type ConfigIssue, InvalidInput } from '../../kit/errors.ts';
import { questionOfTask } from '../question/task-question.ts';
import type { TaskSpec } from '../spec.ts';
import type { YamlFile } from './yaml-file.ts';

/** What stands when nobody answers a question of a task is an answer to it, and there is a time after which it does. */
export function questionChecks(file: YamlFile, tasks: readonly TaskSpec[]): readonly ConfigIssue[] {
  return tasks.flatMap((task) =>
    Object.entries(task.ask).flatMap(([name, asked]) => {
      try {
        questionOfTask(asked, asked.question);
        return [];
      } catch (error) {
        if (!(error instanceof InvalidInput)) throw error;
        return [file.issue([task.id, 'ask', name, 'otherwise'], `task ${task.id}, ask.${name}: ${error.message}`)];
      }
    }),
  );
}
