import { z } from 'zod';
import { errorMessage } from '../../kit/errors.ts';
import { durationSeconds } from './fields.ts';

const orNull = <T extends z.ZodType>(schema: T): z.ZodDefault<z.ZodNullable<T>> => schema.nullable().default(null);

const jsonSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  try {
    z.fromJSONSchema(schema);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not a JSON Schema that can be checked: ${errorMessage(error)}` });
  }
});

/** What a question in YAML says beside its text. */
export const questionTerms = {
  show: orNull(z.record(z.string(), z.unknown())).describe(
    'What the person is shown with the question; {names} are filled from the state',
  ),
  show_schema: orNull(jsonSchema).describe(
    'JSON Schema of what is shown: the step fails before it asks when it does not fit',
  ),
  answer: orNull(jsonSchema).describe(
    'JSON Schema of the answer; one that does not fit is refused, and the run waits on',
  ),
  answer_timeout: orNull(durationSeconds).describe('Seconds to answer in, or 30s, 5m, 24h; without, any time'),
  otherwise: z.unknown().optional().describe('What stands when nobody answered in time; without, the step fails then'),
};

/** Names of the questions of a task: its texts may have their answers as {placeholders}. */
const nameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, 'is not a name: a letter or _, then letters, digits, _ or -');

const text = z.string().trim().min(1);

/** `ask` of tasks.yaml. */
export const taskQuestionsSchema = z
  .record(
    nameSchema,
    z.union([
      text,
      z.strictObject({
        question: text.describe('The question; {names} are filled from the inputs and the tasks of its context'),
        ...questionTerms,
      }),
    ]),
  )
  .nullable()
  .default({});
