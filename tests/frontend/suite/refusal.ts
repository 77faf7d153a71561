// How Menshen says no: one code in every dialect, real statuses, and the language of the person.
import assert from 'node:assert/strict'
import { menshen, step } from '../../harness/script/script.mjs'
import { connect, dataOf } from '../menshen.js'
import { anybody, newcomer } from './person.js'

await newcomer('alice')
const wrong = { username: 'alice', password: 'guessed' }
const problems = { Accept: 'application/problem+json' }

await step('every dialect refuses in its own shape', async () => {
  assert.deepEqual(await codes(), [-1, 2333, 1000004])
})

await step('as a problem it is the same code everywhere, with a real status', async () => {
  assert.deepEqual(await codes(problems), Array(3).fill('account.credentials'))
  const { error, response } = await anybody.POST('/user/login', { body: wrong, headers: problems })
  assert.equal(response.status, 403)
  assert.ok(error && 'title' in error) // by which the type checker knows the problem
  assert.equal(error.status, 403)
  assert.equal(error.requestId, response.headers.get('X-Request-Id'))
})

await step('the message is in the language that is asked for', async () => {
  const headers = { 'Accept-Language': 'zh' }
  await assert.rejects(anybody.POST('/user/login', { headers, body: wrong }).then(dataOf), { code: -1, message: '账号或密码错误。' })
})

await step('what breaks the contract is refused by the gate', async () => {
  const body = { username: 'alice', password: 'short' }
  const { error, response } = await anybody.POST('/user/register', { body })
  assert.equal(response.status, 400)
  assert.ok(error && 'base' in error)
  assert.match(error.base.msg, /password/)
})

await step('where somebody else answers, the status is all there is', async () => {
  for (const page of ['<h1>Bad Gateway</h1>', 'null']) {
    const proxy = connect(menshen.url)
    proxy.use({ onRequest: () => new Response(page, { status: 502, statusText: 'Bad Gateway' }) })
    await assert.rejects(proxy.GET('/user/info').then(dataOf), { name: 'Refusal', code: 502, message: 'Bad Gateway' })
  }
})

await step('the oauth dialect has no envelope', async () => {
  const client = { client_id: menshen.appId, client_secret: menshen.appSecret }
  const body = { grant_type: 'refresh_token', refresh_token: 'guessed', ...client }
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' } // which the client then writes
  const { data, error, response } = await anybody.POST('/oidc/token', { body, headers })
  assert.equal(data, undefined)
  assert.equal(response.status, 400)
  assert.ok(error && 'error' in error)
  assert.equal(error.error, 'invalid_grant')
})

/** What a wrong password is called in the base, the status and the code dialect. */
async function codes(headers: Record<string, string> = {}) {
  const answers = [
    anybody.POST('/user/login', { headers, body: wrong }).then(dataOf),
    anybody.POST('/api/v3/signin', { headers, body: { connection: 'PASSWORD', passwordPayload: wrong } }).then(dataOf),
    anybody.POST('/api/v1/system/user/login', {
      headers,
      body: { loginType: 'pwd', account: wrong.username, password: wrong.password },
    }).then(dataOf),
  ]
  return (await Promise.allSettled(answers)).map((answer) => answer.status === 'rejected' && answer.reason.code)
}
