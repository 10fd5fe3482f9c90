import { z } from 'zod';
import { CATEGORY_NAME, TOOL_CATEGORIES } from '../../kit/access.ts';

/** A category in a file; whether it is one, `categoryChecks` says. Editors are shown the ten of the desk. */
export const categoryName = z
  .string()
  .regex(CATEGORY_NAME, 'is not a category: small letters, digits and _, 2 to 64 of them')
  .meta({ examples: [...TOOL_CATEGORIES] });
