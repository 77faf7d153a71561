// Accounts in the base dialect: the tokens are in the headers of the answer.
import assert from 'node:assert/strict'
import { ask, step } from '../../harness/script/script.mjs'
import { dataOf } from '../menshen.js'
import { anybody, password, whoami } from './person.js'

const alice = { username: 'alice', password }

let id: string
let session: { 'Access-Token': string; 'Refresh-Token': string }
const tokensOf = ({ headers }: Response) => ({
  'Access-Token': headers.get('Access-Token') ?? '',
  'Refresh-Token': headers.get('Refresh-Token') ?? '',
})

await step('register', async () => {
  const nothing: undefined = dataOf(await anybody.POST('/user/register', { body: alice }))
  assert.equal(nothing, undefined)
})

await step('a name that is taken is refused', async () => {
  await assert.rejects(anybody.POST('/user/register', { body: alice }).then(dataOf), {
    name: 'Refusal',
    code: -1,
    message: 'The user name is taken.',
  })
})

await step('sign in', async () => {
  const answer = await anybody.POST('/user/login', { body: alice })
  const user = dataOf(answer)
  assert.equal(user.username, 'alice')
  id = user.id
  session = tokensOf(answer.response)
  assert.match(session['Access-Token'], /^ey/)
})

await step('a wrong password is refused', async () => {
  const body = { username: 'alice', password: 'guessed' }
  await assert.rejects(anybody.POST('/user/login', { body }).then(dataOf), { name: 'Refusal', code: -1 })
})

await step('who am I', async () => {
  assert.equal((await whoami(session['Access-Token'])).id, id)
  await assert.rejects(whoami(), { message: 'Sign in first.' })
})

await step('the refresh token renews both in passing', async () => {
  ask('wait', '16m')
  const answer = await anybody.GET('/user/info', { params: { header: session } })
  assert.equal(dataOf(answer).id, id)
  const renewed = tokensOf(answer.response)
  assert.notEqual(renewed['Refresh-Token'], session['Refresh-Token'])
  assert.equal((await whoami(renewed['Access-Token'])).id, id)
})
