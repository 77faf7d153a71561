// Signing the web in from a phone: both ends speak through the SDK.
import assert from 'node:assert/strict'
import {
  application,
  ask,
  data,
  has,
  management,
  menshen,
  person,
  refused,
  shaped,
  signedIn,
  step,
  tokens,
  tokenSet,
} from './menshen.mjs'

const alice = await person('alice', { name: 'Alice', photo: 'https://example.com/alice.png' })
const page = application()
const phone = signedIn((await tokens('alice')).access_token)
const shown = { qrcodeId: 'string', url: 'string', customLogoUrl: 'string?' }
const status = { status: 'string', ticket: 'string?', briefUserInfo: 'object?', tokenSet: 'object?' }
const credentials = { client_id: menshen.appId, client_secret: menshen.appSecret }

let code, ticket, first
const scanned = () => JSON.parse(ask('scan', code.url)).qrcodeId
const poll = async () => shaped(data(await page.getQrCodeStatus({ qrcodeId: code.qrcodeId })), status)
const show = async (more = {}) => {
  code = shaped(data(await page.geneQrCode({ type: 'MOBILE_APP', ...more })), shown)
}

await step('a page shows a code', async () => {
  await show({ customData: { school: 'hust' } })
  has(await poll(), { status: 'PENDING', ticket: undefined, briefUserInfo: undefined })
})

await step('the older name of the status tells the same', async () => {
  const seen = shaped(data(await page.checkQrCodeStatus({ qrcodeId: code.qrcodeId })), status)
  has(seen, { status: 'PENDING', ticket: undefined, briefUserInfo: undefined })
})

await step('a phone scans the picture, and the page sees who', async () => {
  has(data(await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'SCAN' })), { success: true })
  const seen = await poll()
  assert.equal(seen.status, 'SCANNED')
  has(seen.briefUserInfo, { displayName: 'Alice', photo: 'https://example.com/alice.png' })
  assert.equal(seen.ticket, undefined)
})

await step('the phone confirms, and the page gets a ticket', async () => {
  has(data(await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'CONFIRM' })), { success: true })
  const seen = await poll()
  assert.equal(seen.status, 'AUTHORIZED')
  assert.equal(typeof seen.ticket, 'string')
  assert.equal(seen.tokenSet, undefined)
  ticket = seen.ticket
})

await step('the backend exchanges the ticket, with its secret in the body', async () => {
  first = shaped(data(await page.exchangeTokenSetWithQrCodeTicket({ ticket, ...credentials })), tokenSet)
  assert.equal((await page.parseIDToken(first.id_token)).sub, alice.userId)
  assert.equal((await page.parseAccessToken(first.access_token)).sub, alice.userId)
})

await step("the custom data of the code is now the user's", async () => {
  const user = data(await management().getUser({ userId: alice.userId, withCustomData: true }))
  assert.deepEqual(user.customData, { school: 'hust' })
})

await step('a ticket is good once, and its second use ends the session of the first', async () => {
  const web = signedIn(first.access_token)
  assert.ok(Array.isArray(data(await web.listEnrolledFactors())))
  refused(await page.exchangeTokenSetWithQrCodeTicket({ ticket, ...credentials }), 403, undefined)
  refused(await web.listEnrolledFactors(), 401, 2020)
})

await step('the backend exchanges a ticket by HTTP Basic', async () => {
  await show()
  await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'SCAN' })
  await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'CONFIRM' })
  const backend = application({ tokenEndPointAuthMethod: 'client_secret_basic' })
  backend.setAccessToken('of somebody whose session is over') // the SDK sends this no more, since it sends Basic
  shaped(data(await backend.exchangeTokenSetWithQrCodeTicket({ ticket: (await poll()).ticket })), tokenSet)
})

await step('a backend without the secret gets nothing', async () => {
  await show()
  await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'SCAN' })
  await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'CONFIRM' })
  const { ticket } = await poll()
  refused(await page.exchangeTokenSetWithQrCodeTicket({ ticket }), 401, undefined)
  refused(
    await page.exchangeTokenSetWithQrCodeTicket({ ticket, client_id: menshen.appId, client_secret: 'guessed' }),
    401,
    undefined,
  )
})

await step('a phone that passes on the id of the page may do so, and may cancel', async () => {
  await show()
  data(await phone.changeQrCodeStatus({ qrcodeId: code.qrcodeId, action: 'SCAN' }))
  data(await phone.changeQrCodeStatus({ qrcodeId: code.qrcodeId, action: 'CANCEL' }))
  assert.equal((await poll()).status, 'CANCELLED')
})

await step('to confirm before the scan is refused', async () => {
  await show()
  refused(await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'CONFIRM' }), 422, undefined)
})

await step('to scan one must be signed in', async () => {
  refused(await page.setQrCodeStatus({ qrcodeId: scanned(), action: 'SCAN' }), 401, 2020)
  refused(await signedIn('not a token').setQrCodeStatus({ qrcodeId: scanned(), action: 'SCAN' }), 401, 2020)
})

await step('what is in the picture asks for no status', async () => {
  refused(await page.getQrCodeStatus({ qrcodeId: scanned() }), 404, 2241)
})

await step('an old code is EXPIRED, which is no error', async () => {
  ask('wait', '121s')
  has(await poll(), { status: 'EXPIRED', ticket: undefined })
})

await step('WeChat is refused, with HTTP 200', async () => {
  refused(await page.geneQrCode({ type: 'WECHAT_MINIPROGRAM', autoMergeQrCode: true }), 422, undefined)
})

await step('a public application exchanges its ticket without a secret', async () => {
  await show()
  await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'SCAN' })
  await phone.setQrCodeStatus({ qrcodeId: scanned(), action: 'CONFIRM' })
  const { ticket } = await poll()
  const open = application({ tokenEndPointAuthMethod: 'none', appSecret: undefined })
  refused(await open.exchangeTokenSetWithQrCodeTicket({ ticket }), 401, undefined)
  ask('make public', menshen.appId)
  shaped(data(await open.exchangeTokenSetWithQrCodeTicket({ ticket })), tokenSet)
})
