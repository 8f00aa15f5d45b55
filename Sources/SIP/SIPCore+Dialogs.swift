import Elements
package import SIPSyntax

extension SIPCore {
  /// Makes the dialog of our response to a request (RFC 3261 §12.1.1).
  mutating func makeDialog(
    of id: ServerTransactionID, _ request: Message, on flow: Flow, _ contact: ContactDraft,
    _ tag: [UInt8]
  ) -> DialogID {
    let callID = Array(request[request.callID])
    let remoteTag = request.fromTag.map { Array(request[$0]) } ?? []
    let key = names.dialog(callID: callID.span, localTag: tag.span, remoteTag: remoteTag.span)
    let dialogID = dialogs.nextID()
    // Made where it is handed over, as below: from a variable it would be copied into its place.
    dialogs.insert(
      Dialog(
        id: dialogID, isUAS: true, callID: callID, localTag: tag, remoteTag: remoteTag,
        localAddress: request.value(.to, tag: tag),
        remoteAddress: request.value(.from),
        remoteTarget: request.contactTarget ?? request.fromURI,
        routeSet: RouteSet(recordedIn: request, reversed: false), flow: flow,
        destination: .flow(flow), key: key), dialogID, name: key)
    dialogs.with(dialogID) { dialog in
      dialog.remoteSequence = request.cseq.number
      dialog.contact = contact
      if request.method == .invite { dialog.pending.theirInvite = id }
    }
    return dialogID
  }

  /// Finds or makes the dialog of a response to a request of ours (RFC 3261 §12.1.2); nil for one that is gone.
  mutating func makeDialog(
    of response: Message, to transaction: ClientTransactionID, on flow: Flow
  ) -> DialogID? {
    guard let (plan, destination) = clients.with(transaction, { ($0.plan, $0.destination) })
    else { return nil }
    // RFC 3261 §12.1.2: a peer of RFC 2543 has no tag, and the dialog an empty one.
    let remoteTag = response.toTag.map { Array(response[$0]) } ?? []
    let key = names.dialog(
      callID: plan.callID.span, localTag: plan.localTag.span, remoteTag: remoteTag.span)
    if let known = dialogs.find(key) { return known }
    let id = dialogs.nextID()
    dialogs.insert(
      Dialog(
        id: id, isUAS: false, callID: plan.callID, localTag: plan.localTag, remoteTag: remoteTag,
        localAddress: plan.from, remoteAddress: response.value(.to),
        remoteTarget: response.contactTarget ?? plan.target,
        routeSet: RouteSet(recordedIn: response, reversed: true), flow: flow,
        destination: destination, key: key), id, name: key)
    dialogs.with(id) { dialog in
      dialog.localSequence = plan.cseq
      dialog.contact = plan.contact
    }
    return id
  }

  mutating func removeDialog(_ id: DialogID) {
    guard let (key, bye) = dialogs.with(id, { ($0.key, $0.waitingBye) }) else { return }
    // A BYE that still waited will not leave any more.
    if let bye { clients.remove(bye) }
    dialogs.remove(id)
    dialogs.forget(key, of: id)
  }

  /// Forgets a dialog without a message: its end is known from elsewhere (481, 408 …, RFC 5057).
  package mutating func end(_ id: DialogID) { removeDialog(id) }

  /// Sends the requests of a dialog elsewhere from now on: its phone has registered a new flow.
  package mutating func move(_ id: DialogID, to flow: Flow) {
    dialogs[id]?.flow = flow
    dialogs[id]?.destination = .flow(flow)
  }

  /// Sends the requests of a dialog to an address from now on: its connection is gone.
  package mutating func move(_ id: DialogID, to hop: NextHop) {
    dialogs[id]?.destination = .open(hop)
  }

  /// Brings a dialog back from a journal, so that it can be ended by BYE.
  ///
  /// `local` and `remote` are From and To of our requests, with their tags; `sequence` is the highest
  /// CSeq number that we may have used. Nil if ours has no tag; that of a peer of RFC 2543 is empty (RFC 3261 §12.1.2).
  package mutating func restoreDialog(
    callID: [UInt8], local: [UInt8], remote: [UInt8], target: URI, routes: [[UInt8]],
    sequence: UInt32, flow: Flow, destination: Destination
  ) -> DialogID? {
    guard let localTag = try? NameAddress(parsing: local.span).tag,
      let remoteTag = (try? NameAddress(parsing: remote.span)).map({ $0.tag ?? [] })
    else { return nil }
    let key = names.dialog(
      callID: callID.span, localTag: localTag.span, remoteTag: remoteTag.span)
    if let known = dialogs.find(key) { return known }
    let id = dialogs.nextID()
    var dialog = Dialog(
      id: id, isUAS: false, callID: callID, localTag: localTag, remoteTag: remoteTag,
      localAddress: local, remoteAddress: remote, remoteTarget: target,
      routeSet: RouteSet(routes), flow: flow, destination: destination, key: key)
    dialog.state = .confirmed
    dialog.localSequence = min(sequence, 0x7FFF_0000)
    dialogs.insert(dialog, id, name: key)
    return id
  }

  /// Lets our next request in a dialog have a higher number than `sequence`, as others have been sent in it.
  package mutating func raise(_ dialog: DialogID, above sequence: UInt32) {
    dialogs.with(dialog) { $0.localSequence = max($0.localSequence, min(sequence, 0x7FFF_0000)) }
  }

  /// Makes the dialog that a 2xx to an INVITE of a dead process has confirmed, to acknowledge and end it; or finds the
  /// one from a journal.
  ///
  /// The requests of a new one go back over `flow` until it is moved. Nil if there is no From tag.
  package mutating func restoreDialog(
    acceptedBy success: Message, on flow: Flow
  ) -> DialogID? {
    guard let localTag = success.fromTag else { return nil }
    let remoteTag = success.toTag.map { Array(success[$0]) } ?? []
    let key = dialogName(of: success)
    if let known = dialogs.find(key) {
      if dialogs[known]?.acceptedSequence == nil {
        dialogs[known]?.acceptedSequence = success.cseq.number
        if let target = success.contactTarget { dialogs[known]?.remoteTarget = target }
      }
      return known
    }
    let id = dialogs.nextID()
    var dialog = Dialog(
      id: id, isUAS: false, callID: Array(success[success.callID]),
      localTag: Array(success[localTag]), remoteTag: remoteTag, localAddress: success.value(.from),
      remoteAddress: success.value(.to),
      remoteTarget: success.contactTarget ?? success.toURI,
      routeSet: RouteSet(recordedIn: success, reversed: true), flow: flow,
      destination: .flow(flow), key: key)
    (dialog.state, dialog.acceptedSequence) = (.confirmed, success.cseq.number)
    // What the dead process has sent in an early dialog is not known.
    dialog.localSequence = min(success.cseq.number, 0x7FFF_0000) + 1_000
    dialogs.insert(dialog, id, name: key)
    return id
  }
}

extension Dialog {
  init(
    id: DialogID, isUAS: Bool, callID: [UInt8], localTag: [UInt8], remoteTag: [UInt8],
    localAddress: [UInt8], remoteAddress: [UInt8], remoteTarget: URI, routeSet: RouteSet,
    flow: Flow, destination: Destination, key: Fingerprint
  ) {
    (self.id, self.isUAS, self.callID) = (id, isUAS, callID)
    (self.localTag, self.remoteTag) = (localTag, remoteTag)
    (self.localAddress, self.remoteAddress) = (localAddress, remoteAddress)
    (self.remoteTarget, self.routeSet) = (remoteTarget, routeSet)
    (self.flow, self.destination, self.key) = (flow, destination, key)
    (state, localSequence, remoteSequence, contact) = (.early, 0, nil, .automatic)
  }
}

extension Message {
  /// The bytes of the first field of that name.
  func value(_ name: HeaderName) -> [UInt8] { first(name).map { Array(self[$0]) } ?? [] }

  /// The same with a tag behind it.
  func value(_ name: HeaderName, tag: [UInt8]) -> [UInt8] {
    let value = bytes.span.extracting(first(name)?.range ?? 0..<0)
    return [UInt8](room: value.count + 5 + tag.count) { text in
      text.append(copying: value)
      text.append(text: ";tag=")
      text.append(copying: tag.span)
    }
  }
}
