import Directory
import Elements
import SIP
import SIPSyntax

/// A request in a dialog with a carrier, kept until its answer: it is sent once more where the carrier asks for
/// our credentials (RFC 3261 §22.3).
struct Challengeable: Sendable {
  let draft: RequestDraft
  let dialog: DialogID
  let trunk: TrunkID
  /// The realm for which the INVITE of the dialog was repeated; the configured one goes before it, and
  /// without either that of the trunk's registration counts.
  let realm: [UInt8]?
}

// Without an answer to a challenge a carrier would keep a call up that we have ended, and bill it.

extension SwitchCore {
  /// Sends a request in the dialog of a leg.
  mutating func send(
    _ draft: RequestDraft, in dialog: DialogID, to carrier: Carrier?, at now: Now
  ) throws(DialogError) -> ClientTransactionID {
    let client = try sip.send(draft, in: dialog, at: now, effects: &output.wire)
    keep(draft, of: client, in: dialog, to: carrier)
    return client
  }

  /// Who a leg leads to, where that is a carrier; a phone never gets credentials (A22).
  struct Carrier: Sendable {
    let trunk: TrunkID
    var realm: [UInt8]?
  }

  mutating func keep(
    _ draft: RequestDraft, of client: ClientTransactionID, in dialog: DialogID, to carrier: Carrier?
  ) {
    guard let carrier,
      rules.directory.trunk(carrier.trunk)?.credentials != nil || !hasDirectory
    else { return }
    owners.challengeables[client] = Challengeable(
      draft: draft, dialog: dialog, trunk: carrier.trunk, realm: carrier.realm)
  }

  /// Answers the challenge of a carrier to a request in its dialog: once, for the trunk's own realm, and only
  /// where the dialog still leads to an address of that trunk.
  ///
  /// - Returns: Whether the request is under way again.
  mutating func sendAgain(
    _ client: ClientTransactionID, after message: Message, owner: Owners.Client?, at now: Now
  ) -> Bool {
    guard let kept = owners.challengeables.removeValue(forKey: client),
      message.status == 401 || message.status == 407, let dialog = sip.dialog(kept.dialog),
      isAddress(dialog.destination.remote, of: kept.trunk), isWanted(client, owner),
      let header = authorization(
        of: kept.trunk, for: message, method: kept.draft.method,
        uri: dialog.routeSet.plan(to: dialog.remoteTarget).uri, realm: kept.realm)
    else { return false }
    var draft = kept.draft
    draft.headers.append(header)
    guard let again = try? sip.send(draft, in: kept.dialog, at: now, effects: &output.wire) else {
      return false
    }
    owners.clients[again] = owner
    switch owner {
    case .exchange(let id): calls[id]?.value.exchange?.client = again
    case .bye(let id, let leg): calls[id]?.value.legs[leg].clientBye = again
    case .invite, .prack, .passed, .probe, .register, .orphan, .takenBack, nil: break
    }
    return true
  }

  /// Whether a challenged request is still wanted: an offer is not when its exchange is over, or withdrawn.
  private func isWanted(_ client: ClientTransactionID, _ owner: Owners.Client?) -> Bool {
    guard case .exchange(let id) = owner else { return true }
    guard let exchange = calls[id]?.value.exchange else { return false }
    return exchange.client == client && !exchange.isWithdrawn
  }

  /// For which realm the carrier of a leg has asked, where no configured one goes before it: what a process that
  /// ends the call later cannot know.
  func realm(of leg: Leg) -> [UInt8]? {
    guard let trunk = leg.party.trunk,
      let credentials = rules.directory.trunk(trunk)?.credentials, credentials.realm == nil
    else { return nil }
    return leg.realm ?? trunks[trunk]?.realm
  }

  /// The carrier that a dialog without a leg leads to; nil where several trunks share the address.
  func carrier(at remote: Endpoint) -> Carrier? {
    let found = trunks.keys.filter { isAddress(remote, of: $0) }
    return found.count == 1 ? found.first.map { Carrier(trunk: $0) } : nil
  }

  /// Whether requests to that address reach this trunk, by its own address or by the networks named for it.
  func isAddress(_ remote: Endpoint, of trunk: TrunkID) -> Bool {
    trunks[trunk]?.isReached(from: remote) ?? false
      || rules.directory.trunks(from: remote.address).contains { $0.id == trunk }
  }
}

extension Leg {
  var carrier: SwitchCore.Carrier? {
    party.trunk.map { SwitchCore.Carrier(trunk: $0, realm: realm) }
  }
}
