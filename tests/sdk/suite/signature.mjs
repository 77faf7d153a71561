// Signed requests. The SDK signs right, so that what must be refused is made from what it has signed: on its way out, by an
// interceptor of the SDK's own axios instance.
import assert from 'node:assert/strict'
import { ask, data, management, menshen, refused, step } from './menshen.mjs'

// A client whose requests are changed after they were signed.
function changed(change) {
  const client = management()
  client.httpClient.axios.interceptors.request.use((request) => {
    change(request)
    return request
  })
  return client
}

const lookUp = (client) => client.getUser({ userId: 'alice', userIdType: 'username' })

await step('a signed body', async () => {
  const alice = data(
    await management().createUser({
      username: 'alice',
      name: '爱丽丝 "&=?+%\n\u{1F600}',
      customData: { nested: [1, 'two', { three: null, four: 1.5e-7 }], empty: {} },
    }),
  )
  const user = data(await management().getUser({ userId: alice.userId, withCustomData: true }))
  assert.equal(user.name, '爱丽丝 "&=?+%\n\u{1F600}')
  assert.deepEqual(user.customData, { nested: [1, 'two', { three: null, four: 1.5e-7 }], empty: {} })
})

await step('a signed query, of what has to be encoded', async () => {
  data(await lookUp(management()))
  for (const userId of ['a+b&c=d%20e f', "门神:lark:/?#[]@!$'()*,;", '😀'])
    refused(await management().getUser({ userId, userIdType: 'external_id' }), 404, 2004)
})

await step('other languages and tenants are signed as well', async () => {
  const nobody = { userId: 'nobody', userIdType: 'username' }
  assert.match((await management().getUser(nobody)).message, /用户/)
  assert.match((await management({ lang: 'en-US' }).getUser(nobody)).message, /user/)
  data(await lookUp(management({ tenantId: menshen.appId })))
})

await step('1300: another secret, another key', async () => {
  refused(await lookUp(management({ accessKeySecret: 'guessed' })), 401, 1300)
  refused(await lookUp(management({ accessKeyId: 'somebody' })), 401, 1300)
})

await step('1300: a changed body', async () => {
  const mallory = changed((request) => {
    request.data = { ...request.data, username: 'mallory' }
  })
  refused(await mallory.createUser({ username: 'bob' }), 401, 1300)
  refused(await management().getUser({ userId: 'mallory', userIdType: 'username' }), 404, 2004)
})

await step('1300: a changed query', async () => {
  refused(
    await lookUp(
      changed((request) => {
        request.params = { ...request.params, withCustomData: true }
      }),
    ),
    401,
    1300,
  )
})

await step('1300: another operation', async () => {
  refused(
    await lookUp(
      changed((request) => {
        request.url = '/api/v3/get-otp-secret-by-user'
      }),
    ),
    401,
    1300,
  )
})

await step('1300: a changed header, a header more', async () => {
  refused(await lookUp(changed((request) => request.headers.set('x-authing-lang', 'en-US'))), 401, 1300)
  refused(await lookUp(changed((request) => request.headers.set('x-authing-userpool-id', menshen.userpoolId))), 401, 1300)
})

await step('1301: another method', async () => {
  refused(await lookUp(changed((request) => request.headers.set('x-authing-signature-method', 'HMAC-SHA256'))), 401, 1301)
})

await step('1302: another version', async () => {
  refused(await lookUp(changed((request) => request.headers.set('x-authing-signature-version', '2.0'))), 401, 1302)
})

await step('1303: a date that is none', async () => {
  refused(await lookUp(changed((request) => request.headers.set('date', String(Date.now())))), 401, 1303)
})

await step('1304: no date', async () => {
  refused(await lookUp(changed((request) => request.headers.delete('date'))), 401, 1304)
})

let captured
const replaying = changed((request) => {
  request.headers = captured
})

await step('1306: a request that is sent again', async () => {
  data(
    await lookUp(
      changed((request) => {
        captured = request.headers
      }),
    ),
  )
  refused(await lookUp(replaying), 401, 1306)
})

await step('1305: a request that is sent again much later', async () => {
  ask('wait', '6m')
  refused(await lookUp(replaying), 401, 1305)
})

await step('1305: a clock that is wrong', async () => {
  refused(await lookUp(management()), 401, 1305) // Menshen's is six minutes ahead by now
})
