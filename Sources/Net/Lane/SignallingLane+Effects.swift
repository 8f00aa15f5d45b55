import Elements
import Relay
import SIP
import Switch

extension SignallingLane {
  /// Does every effect, then gives the switch what happened meanwhile, until both are empty.
  ///
  /// It ends: each consequence is the failure of something asked for, or a relay's answer to one
  /// command, and the switch asks for finitely much after each.
  func settle(at now: Now) {
    performEffects(at: now)
    var next = 0
    while next < consequences.count {
      core.handle(consequences[next], at: now, into: &effects)
      next += 1
      performEffects(at: now)
    }
    consequences.removeAll(keepingCapacity: true)
  }

  private func performEffects(at now: Now) {
    for index in effects.indices { perform(effects[index], at: now) }
    effects.removeAll(keepingCapacity: true)
  }

  private func perform(_ effect: SwitchEffect, at now: Now) {
    switch effect {
    case .transmit(let transmission): transmit(transmission)
    case .relay(let command): pass(command, at: now)
    case .journal(let batch):
      lastSequence = batch.sequence
      if !doors.journal.append(batch) {
        consequences.append(
          .journalFailed("the journal's queue is full: the disk does not keep up"))
      }
    case .resolve(let resolution, let query):
      let mail = mail
      let known = resolver.resolve(query) { hops in
        mail.answers.send(SignallingMail.Answer(resolution: resolution, hops: hops))
      }
      if let known { consequences.append(.resolved(resolution, known)) }
    case .trust(let connection): trusted.append(connection)
    case .acquaint(let networks): streams.acquaint(networks)
    case .sift(let sieve): sift(sieve)
    case .askForCertificates(let networks): streams.askForCertificates(from: networks)
    case .publish(let publication): publications.append(publication)
    }
  }

  private func transmit(_ transmission: Transmission) {
    guard transmission.destination.transport == .udp else {
      return transmissions.append(transmission)
    }
    let local = transmission.destination.local
    let reason =
      if let port = ports.first(where: { $0.serves(local) }) {
        port.send(transmission)
      } else {
        "no UDP listener has the address \(local)"
      }
    guard let reason else {
      counters.datagramsSent += 1
      return
    }
    counters.datagramsUnsent += 1
    if let attempt = transmission.attempt {
      consequences.append(.transmitFailed(attempt, reason))
    }
  }

  // MARK: The relay

  private func pass(_ command: RelayCommand, at now: Now) {
    switch relay {
    case .here(let lane):
      lane.handle(command, at: now)
      lane.takeEvents { consequences.append(.relay($0)) }
    case .away(let mailboxes):
      // A session never moves: its number says where it lives.
      let lane = Int(command.session.number % UInt64(mailboxes.count))
      // Once one waits, those after it wait behind it.
      guard unsent.isEmpty, mailboxes[lane].send(command) else {
        return unsent.append((lane, command))
      }
    }
  }

  func sendUnsentCommands() {
    guard case .away(let mailboxes) = relay else { return }
    let sent = unsent.prefix { mailboxes[$0.lane].send($0.command) }
    unsent.removeFirst(sent.count)
  }
}

extension RelayCommand {
  /// The session that it is about.
  var session: MediaSessionID {
    switch self {
    case .open(let id, _), .attach(let id, _, _), .update(let id, _, _), .detach(let id, _),
      .bridge(let id, _), .unbridge(let id), .renew(let id, _), .play(let id, _, _),
      .stopPlaying(let id, _), .inspect(let id), .close(let id), .spare(let id, _):
      id
    }
  }
}
