// All that a front end needs beside openapi-fetch and contract.d.ts: the three shapes of answer read as one. Copy it.
import createClient, { type Client } from 'openapi-fetch'
import type { components, paths } from './contract.js'

export type Schemas = components['schemas']

/** A client without a session, or with the access token of one: each dialect reads it from a header of its own. */
export function connect(baseUrl: string, accessToken?: string): Client<paths> {
  const headers = { 'Access-Token': accessToken, authorization: accessToken, 'iThings-token': accessToken }
  return createClient<paths>({ baseUrl, headers })
}

/** Why Menshen did not do what it was asked to. */
export class Refusal extends Error {
  override readonly name = 'Refusal'

  constructor(
    /** In the base dialect always -1; with `Accept: application/problem+json` a name, which is the same in every dialect. */
    readonly code: number | string,
    /** For people, in the language of the request. */
    message: string,
    /** What finishes the sign-in, where only the code of an authenticator is missing. */
    readonly mfaToken?: string,
  ) {
    super(message)
  }
}

type BaseAnswer = Schemas['BaseResponse']
type StatusAnswer = Schemas['CommonResponseDto'] & Pick<Schemas['SigninRespDto'], 'mfaTriggerData'>
type CodeAnswer = Schemas['CodeResponse'] & Pick<Schemas['CaptchaLoginResponse'], 'mfaToken'>
type Envelope = BaseAnswer | StatusAnswer | CodeAnswer
type Failure = Schemas['BaseError'] | Schemas['StatusError'] | Schemas['CodeError'] | Schemas['Problem']

/** An answer as openapi-fetch gives it. A refusal may be either, since most are HTTP 200. */
type Answer<Body> = { data: Body; error?: never; response: Response } | { data?: never; error: Failure; response: Response }

type Data<Body> = 'data' extends keyof Body ? NonNullable<Body['data']> : undefined

/**
 * The data of a success, in whichever dialect; throws a {@link Refusal} otherwise. The answers of `/oidc` have no envelope:
 * what openapi-fetch says of them is all.
 */
export function dataOf<Body extends Envelope>({ data, error, response }: Answer<Body>): Data<Body> {
  const refusal = refusalOf(data ?? error, response)
  if (refusal) throw refusal
  return (data as { data?: unknown }).data as Data<Body> // which a success has: else Menshen would not have sent it
}

function refusalOf(answer: Envelope | Failure | null | undefined, response: Response): Refusal | undefined {
  if (typeof answer !== 'object' || answer === null) return new Refusal(response.status, response.statusText) // of a proxy, say
  if ('base' in answer) return answer.base.code === 10000 ? undefined : new Refusal(answer.base.code, answer.base.msg)
  if ('title' in answer) return new Refusal(answer.code, answer.title, answer.mfaToken)
  if ('statusCode' in answer) {
    const { statusCode, apiCode, message } = answer
    const mfa = 'mfaTriggerData' in answer ? answer.mfaTriggerData : undefined
    return statusCode === 200 ? undefined : new Refusal(apiCode ?? statusCode, message, mfa?.mfaToken)
  }
  const mfaToken = 'mfaToken' in answer ? answer.mfaToken : undefined
  return answer.code === 0 ? undefined : new Refusal(answer.code, answer.msg, mfaToken)
}

/**
 * What becomes of a login QR code, until that is settled. In a browser an `EventSource` does the same, and comes back by
 * itself when the connection is lost.
 */
export async function* statusesOf(page: Client<paths>, qrcodeId: string): AsyncGenerator<Schemas['CheckQRCodeStatusDataDto']> {
  const query = { qrcodeId }
  const { data, error, response } = await page.GET('/api/v3/qrcode-events', { params: { query }, parseAs: 'stream' })
  if (!data) throw refusalOf(error, response)
  const reader = data.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (let text = ''; ; ) {
      const { value, done } = await reader.read()
      if (done) return
      const events = (text + value).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const json = /^event: status\ndata: (.*)$/m.exec(event)?.[1]
        if (json !== undefined) yield JSON.parse(json) // of this type, or Menshen would not have sent it
      }
    }
  } finally {
    await reader.cancel()
  }
}
