// Signing the web in from a phone. The application is a public one, so its page needs no backend.
import assert from 'node:assert/strict'
import { ask, menshen, step } from '../../harness/script/script.mjs'
import { dataOf, type Schemas, statusesOf } from '../menshen.js'
import { anybody as page, newcomer, whoami } from './person.js'

const phone = await newcomer('alice')

type Status = Schemas['CheckQRCodeStatusDataDto']
let code: Schemas['GeneQRCodeDataDto'], scanned: string, statuses: AsyncGenerator<Status>, ticket: string

const show = async () => dataOf(await page.POST('/api/v3/gene-qrcode', { body: { type: 'MOBILE_APP' } }))
const act = async (qrcodeId: string, action: Schemas['ChangeQRCodeStatusDto']['action']) =>
  dataOf(await phone.POST('/api/v3/set-qrcode-status', { body: { qrcodeId, action } }))
const read = (url: string): string => JSON.parse(ask('scan', url)).qrcodeId

/** What the page is told next. */
async function next(): Promise<Status> {
  const { value, done } = await statuses.next()
  assert.ok(!done, 'the stream has ended')
  return value
}

await step('a page shows a code, and listens', async () => {
  code = await show()
  statuses = statusesOf(page, code.qrcodeId)
  const { status, interval } = await next()
  assert.deepEqual([status, interval], ['PENDING', 1])
})

await step('a phone scans it: it sees who asks, the page sees who has scanned', async () => {
  scanned = read(code.url)
  const { login } = await act(scanned, 'SCAN')
  assert.equal(login?.appId, menshen.appId)
  const { status, briefUserInfo } = await next()
  assert.deepEqual([status, briefUserInfo?.displayName], ['SCANNED', 'alice'])
})

await step('the phone confirms, the page gets a ticket, and the stream ends', async () => {
  await act(scanned, 'CONFIRM')
  const last = await next()
  assert.equal(last.status, 'AUTHORIZED')
  ticket = last.ticket ?? ''
  assert.equal((await statuses.next()).done, true)
})

await step('polling tells the same', async () => {
  const query = { qrcodeId: code.qrcodeId }
  const { status, interval } = dataOf(await page.GET('/api/v3/get-qrcode-status', { params: { query } }))
  assert.deepEqual([status, interval], ['AUTHORIZED', undefined])
})

await step('the page exchanges the ticket, where the application has no secret', async () => {
  const exchange = async () =>
    dataOf(await page.POST('/api/v3/exchange-tokenset-with-qrcode-ticket', { body: { ticket, client_id: menshen.appId } }))
  await assert.rejects(exchange, { name: 'Refusal', code: 401 })
  ask('make public', menshen.appId)
  const { access_token } = await exchange()
  assert.equal((await whoami(access_token)).username, 'alice')
})

await step('a page may stop listening', async () => {
  const { qrcodeId, url } = await show()
  const told: string[] = []
  for await (const { status } of statusesOf(page, qrcodeId)) {
    told.push(status)
    if (status === 'SCANNED') break
    await act(read(url), 'SCAN')
  }
  assert.deepEqual(told, ['PENDING', 'SCANNED'])
})

await step('an unknown code has no stream', async () => {
  await assert.rejects(() => statusesOf(page, 'unknown').next(), { name: 'Refusal', code: 2241 })
})
