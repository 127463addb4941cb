import { z } from 'zod';
import { defaultFragmentOptions } from '../../query/fragment/fragment-options';
import { count, flag, names, says, text } from './option-kinds';

const steps = (description: string) => z.number().min(0).meta(says(description, 'a number from 0'));

const removedAll = 'Columns: conditions that name one are in no fragment.';
const removedAdd = 'Columns: fragments are learned without conditions that name one as well as with them.';

/** What single tables have of their own. */
const table = z
  .strictObject({
    bucket_steps: steps(
      'As above, for distances from this table; of two tables the wider one counts. 0: none.',
    ).optional(),
    remove_constraints_all: names(`For this table, in place of those above. ${removedAll}`).optional(),
    remove_constraints_add: names(`For this table, in place of those above. ${removedAdd}`).optional(),
  })
  .meta({ expects: 'a mapping with bucket_steps, remove_constraints_all and remove_constraints_add' });

/** The section `fragments` of a partition key: what is learned from its queries. */
export const fragmentsSchema = z
  .strictObject({
    follow_graph: flag(
      'Combine only tables that a condition connects. false: any tables that have conditions, which is more to learn.',
    ).default(defaultFragmentOptions.followGraph),
    min_component_size: count(
      1,
      16,
      'Fewest tables of a fragment, the partition-join table among them.',
    ).default(defaultFragmentOptions.minComponentSize),
    max_component_size: count(
      1,
      16,
      'Most tables of a fragment, the partition-join table among them.',
    ).default(defaultFragmentOptions.maxComponentSize),
    max_fragments: count(
      1,
      1_000,
      'Most fragments of one block; the whole block and the smallest ones come first.',
    ).default(defaultFragmentOptions.maxFragments),
    partition_join_table: text(
      'The table that only joins the others on the key, by name or alias, where it is not found by itself.',
      'the name of a table, or an alias',
    ).optional(),
    auto_detect_partition_join: flag(
      'Take any table that only joins the others on the key for it. false: only those named p0….',
    ).default(defaultFragmentOptions.autoDetectPartitionJoin),
    bucket_steps: steps(
      'Constants that distances are compared with are widened to a multiple of it, so that like statements share what is known. 0: they stay.',
    ).default(0),
    add_constraints: z
      .record(
        z.string(),
        text(
          'A condition on the table that fragments are learned with as well.',
          'a condition, as after WHERE',
        ),
      )
      .meta({ expects: 'a mapping of schema.table to a condition' })
      .prefault({}),
    remove_constraints_all: names(removedAll).default([]),
    remove_constraints_add: names(removedAdd).default([]),
    warn_no_partition_key: flag(
      "Say in the log which statements read the key's tables but cannot be restricted, once for each kind.",
    ).default(defaultFragmentOptions.warnNoPartitionKey),
    tables: z
      .record(z.string(), table)
      .meta({ expects: 'a mapping of schema.table to options' })
      .prefault({}),
  })
  .prefault({});
