// With persisted aggregates, evtstore's in-memory provider hands a command the aggregate that was written last, whatever
// its id, and what the command returns is appended to that one.
import {
  createAggregate,
  createCommands,
  createDomain,
  createMemoryProvider,
} from '../src/support/evtstore.js'
import { show } from '../src/support/show.js'

await show('ann has the balance 10, bob has 99', async () => {
  const provider = createMemoryProvider()
  const account = createAggregate({
    stream: 'accounts',
    version: '1',
    persistAggregate: true,
    create: () => ({ balance: 0 }),
    fold: (event, previous) => ({ balance: Number(previous.balance) + Number(event.amount) }),
  })
  const { domain } = createDomain({ provider }, { account })
  const commands = createCommands(domain.account, {
    pay: async (command) => ({ type: 'paid', amount: command.amount }),
  })
  await commands.pay?.('ann', { amount: 10 })
  await commands.pay?.('bob', { amount: 99 })
  const [ann, bob] = await Promise.all(
    ['ann', 'bob'].map((id) => provider.getEventsFor('accounts', id)),
  )
  const amounts = (events = ann) => events?.map((e) => e.event.amount).join(' and ') || 'nothing'
  return {
    shown: ann?.length === 2 && bob?.length === 0,
    observed: `the events of ann hold ${amounts(ann)}, those of bob ${amounts(bob)}`,
  }
})
