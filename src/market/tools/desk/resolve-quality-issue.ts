import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { settleIssue } from '../../jobs/issue-book.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'resolve_quality_issue',
  title: 'Settle a quality issue',
  toolset: 'desk',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Marks a pending quality issue as resolved, or as ignored when the data is genuine after all. Changes no market data. Refused when no pending issue has that id.',
  input: z.strictObject({
    issue_id: z.number().int().positive().describe('Id of the issue, as get_quality_issues gives it'),
    status: z
      .enum(['resolved', 'ignored'])
      .default('resolved')
      .describe('resolved: mended; ignored: the data is genuine'),
    notes: reason,
  }),
  output: z.object({ issue_id: measure.id, status: z.string() }),
  examples: [
    { title: 'Confirmed elsewhere', input: { issue_id: 1, status: 'ignored', notes: 'two venues confirm it' } },
  ],
  summary: (output) => `Issue ${output.issue_id} is ${output.status}.`,
  run: async (input, { services, clock }) => {
    if (!(await settleIssue(services, input.issue_id, input.status, input.notes))) {
      throw new NotFound(`no pending quality issue has the id ${input.issue_id}`);
    }
    return {
      data: { issue_id: input.issue_id, status: input.status },
      provenance: measuredNow(clock, 'quality_issues'),
    };
  },
});
