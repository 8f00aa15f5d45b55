import Elements
import SDP
import SIP
import SIPSyntax

// What a user agent does with the events of SIP.

extension Softphone {
  private var domain: Host { Host(settings.domain) ?? .address(.v4Loopback) }
  private var address: NameAddress {
    NameAddress(uri: URI(user: settings.user, host: domain))
  }

  // MARK: Asking

  func register(at now: Now) {
    var draft = RequestDraft(
      .register, target: URI(host: domain), from: address, to: address,
      headers: [HeaderDraft(.expires, "600")])
    draft.contact = .automatic(user: settings.user)
    let id = core.send(draft, to: .open(hop), at: now, effects: &effects)
    registration = (id, draft, false)
    settle(at: now)
  }

  func placeCall(to number: String, at now: Now) {
    guard let index = newCall(with: number, isIncoming: false) else { return }
    let target = URI(user: number, host: domain)
    var draft = RequestDraft(
      .invite, target: target, from: address, to: NameAddress(uri: target),
      body: .sdp(calls[index].media.description.serialized()))
    draft.contact = .automatic(user: settings.user)
    calls[index].draft = draft
    calls[index].invite = core.send(draft, to: .open(hop), at: now, effects: &effects)
    settle(at: now)
  }

  func hangUp(_ index: Int, at now: Now) {
    let call = calls[index]
    guard !call.isOver else { return }
    if let invite = call.invite {
      core.cancel(invite, at: now, effects: &effects)
    } else if let dialog = call.dialog {
      _ = try? core.send(RequestDraft(.bye), in: dialog, at: now, effects: &effects)
      end(index, byPeer: false, words: "hung up", at: now)
    }
  }

  // MARK: Events

  func handle(_ event: SIPEvent, at now: Now) {
    switch event {
    case .request(let server, let message, _, let dialog):
      answer(server, message, in: dialog, at: now)
    case .stateless(let request): core.respond(to: request, ResponseDraft(405), effects: &effects)
    case .stranger(let server, _, _, _):
      core.respond(to: server, ResponseDraft(403), at: now, effects: &effects)
    case .cancelled(let server, _):
      core.respond(to: server, ResponseDraft(487), at: now, effects: &effects)
    case .response(let client, let message, _, let dialog):
      take(message, of: client, dialog: dialog, at: now)
    case .clientFailed(let client, let failure):
      if let index = calls.firstIndex(where: { $0.invite == client }) {
        refused(index, status: 0, words: "\(failure)", at: now)
      } else if registration?.id == client {
        Agent.report(.failed("\(settings.user) could not register: \(failure)"))
      }
    case .unacknowledged(let dialog):
      if let index = calls.firstIndex(where: { $0.dialog == dialog }) { hangUp(index, at: now) }
    case .acknowledged, .provisionalUnacknowledged, .strayAnswer, .keepAlive, .malformed: break
    }
  }

  // MARK: Being asked

  private func answer(
    _ server: ServerTransactionID, _ message: Message, in dialog: DialogID?, at now: Now
  ) {
    switch message.method {
    case .invite:
      if let dialog {
        refresh(server, message, in: dialog, at: now)
      } else {
        answerCall(server, message, at: now)
      }
    case .bye:
      core.respond(to: server, ResponseDraft(200), at: now, effects: &effects)
      if let index = calls.firstIndex(where: { $0.dialog == dialog }) {
        end(index, byPeer: true, words: reason(of: message), at: now)
      }
    case .options:
      core.respond(to: server, core.optionsAnswer(), at: now, effects: &effects)
    case .ack, .cancel, .register, .prack, .subscribe, .notify, .publish, .info, .refer, .message,
      .update, .other:
      core.respond(to: server, ResponseDraft(405), at: now, effects: &effects)
    }
  }

  /// Rings for a moment that nobody notices, and answers.
  private func answerCall(_ server: ServerTransactionID, _ message: Message, at now: Now) {
    let called = message.requestURI?.user ?? []
    let caller = message.fromURI.user ?? []
    let peer = book == nil ? caller : called
    guard let offer = try? SessionDescription(parsing: message.bodyBytes),
      let index = newCall(with: String(decoding: peer, as: UTF8.self), isIncoming: true)
    else {
      return core.respond(to: server, ResponseDraft(488), at: now, effects: &effects)
    }
    guard calls[index].media.speak(to: offer, at: now.instant) else {
      close(index, at: now)
      return core.respond(to: server, ResponseDraft(488), at: now, effects: &effects)
    }
    core.respond(to: server, ResponseDraft(180), at: now, effects: &effects)
    let body = BodyDraft.sdp(calls[index].media.description.serialized())
    core.respond(to: server, ResponseDraft(200, body: body), at: now, effects: &effects)
    calls[index].dialog = core.dialog(of: server)
    answered(index, at: now)
  }

  /// A re-INVITE: the same description once more, spoken to wherever the peer wants it now.
  private func refresh(
    _ server: ServerTransactionID, _ message: Message, in dialog: DialogID, at now: Now
  ) {
    guard let index = calls.firstIndex(where: { $0.dialog == dialog }) else {
      return core.respond(to: server, ResponseDraft(481), at: now, effects: &effects)
    }
    if let offer = try? SessionDescription(parsing: message.bodyBytes) {
      _ = calls[index].media.speak(to: offer, at: now.instant)
    }
    let body = BodyDraft.sdp(calls[index].media.description.serialized())
    core.respond(to: server, ResponseDraft(200, body: body), at: now, effects: &effects)
  }

  // MARK: Being answered

  private func take(
    _ message: Message, of client: ClientTransactionID, dialog: DialogID?, at now: Now
  ) {
    guard let status = message.status, status.isFinal else { return }
    if registration?.id == client { return takeRegistration(message, status, at: now) }
    guard let index = calls.firstIndex(where: { $0.invite == client }) else { return }
    if status.isSuccess, let dialog { return connected(index, message, dialog, at: now) }
    if let again = credentials(for: message, calls[index].draft, calls[index].isAuthenticated) {
      calls[index].isAuthenticated = true
      calls[index].invite = core.send(again, to: .open(hop), at: now, effects: &effects)
      return
    }
    refused(index, status: Int(status.number), words: reason(of: message), at: now)
  }

  private func takeRegistration(_ message: Message, _ status: StatusCode, at now: Now) {
    guard let (_, draft, isAuthenticated) = registration else { return }
    if status.isSuccess { return Agent.report(.registered) }
    if let again = credentials(for: message, draft, isAuthenticated) {
      let id = core.send(again, to: .open(hop), at: now, effects: &effects)
      registration = (id, draft, true)
      return
    }
    Agent.report(.failed("\(settings.user) could not register: \(status)"))
  }

  /// The same request with an answer to the challenge; nil for any other refusal, and for a second one.
  private func credentials(
    for response: Message, _ draft: RequestDraft?, _ isAuthenticated: Bool
  ) -> RequestDraft? {
    guard let draft, !isAuthenticated, !settings.password.isEmpty, let target = draft.target else {
      return nil
    }
    let account = DigestAccount(
      user: settings.user, realm: settings.domain, password: Secret(settings.password))
    let answer = account.answer(response, method: draft.method, uri: target, dice: &dice)
    return answer.map { draft.repeated(after: response, adding: [$0]) }
  }

  private func connected(
    _ index: Int, _ message: Message, _ dialog: DialogID, at now: Now
  ) {
    try? core.acknowledge(dialog, at: now, effects: &effects)
    (calls[index].invite, calls[index].dialog) = (nil, dialog)
    guard let answer = try? SessionDescription(parsing: message.bodyBytes),
      calls[index].media.speak(to: answer, at: now.instant)
    else { return hangUp(index, at: now) }
    answered(index, at: now)
  }

  // MARK: Telling

  private func answered(_ index: Int, at now: Now) {
    calls[index].answeredAt = now.instant
    if calls[index].isIncoming { book?.answered(index, number: calls[index].peer, at: now.instant) }
    Agent.report(
      .answered(call: index, with: calls[index].peer, isIncoming: calls[index].isIncoming))
  }

  private func refused(_ index: Int, status: Int, words: String, at now: Now) {
    calls[index].invite = nil
    close(index, at: now)
    Agent.report(.refused(call: index, status: status, words: words))
  }

  private func end(_ index: Int, byPeer: Bool, words: String, at now: Now) {
    guard !calls[index].isOver else { return }
    close(index, at: now)
    let talk = calls[index].answeredAt.map { now.instant - $0 } ?? .zero
    Agent.report(
      .ended(
        call: index, byPeer: byPeer, words: words, talkMilliseconds: talk.wholeMilliseconds))
  }

  /// What the other side gives as the reason: the text of Reason, of Warning, or the phrase.
  private func reason(of message: Message) -> String {
    if let text = try? message.reasons().first?.text, !text.isEmpty { return text }
    if let text = try? message.warnings().first?.text, !text.isEmpty { return text }
    return message.status?.reasonPhrase ?? "BYE"
  }
}
