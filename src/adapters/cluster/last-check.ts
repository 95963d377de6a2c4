import type { Dispatcher } from 'undici'

/**
 * The same way to the server, on which `check` is asked once more right before the bytes of a request go out: between a first check and
 * that moment lie credentials that are read again, a connection that is opened, and however long the process was stopped. What `check`
 * throws is what the request ends with, and nothing was sent.
 */
export function withLastCheck(dispatcher: Dispatcher, check: () => void): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => dispatch(options, asking(handler, check)))
}

function asking(handler: Dispatcher.DispatchHandler, check: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller, context) {
      check()
      handler.onRequestStart?.(controller, context)
    },
    onRequestUpgrade: (...given) => handler.onRequestUpgrade?.(...given),
    onResponseStart: (...given) => handler.onResponseStart?.(...given),
    onResponseData: (...given) => handler.onResponseData?.(...given),
    onResponseEnd: (...given) => handler.onResponseEnd?.(...given),
    onResponseError: (...given) => handler.onResponseError?.(...given),
  }
}
