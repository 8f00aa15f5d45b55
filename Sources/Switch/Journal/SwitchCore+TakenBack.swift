import Elements
import Limits
import SIP
import SIPSyntax

// INVITEs that a dead process had sent and that rang: the answers to them, beside the BYEs that end their dialogs.

extension SwitchCore {
  /// Takes a 2xx in a dialog of a call without legs that is being ended.
  ///
  /// - Returns: Whether there is one, so that the answer is no call of its own.
  mutating func answersWhileEnding(_ dialog: DialogID, at now: Now) -> Bool {
    for id in orphans.keys.sorted() {
      guard let orphan = orphans[id],
        let index = orphan.byes.indices.first(where: { isDialog(dialog, orphan, of: $0) })
      else { continue }
      let bye = orphan.byes[index]
      guard orphan.rangAt(bye) != nil else { return true }
      follow(dialog, orphan: id, index)
      if isTaken(bye, orphan) {
        endApart(orphan: id, index, answeredIn: dialog, at: now)
        return true
      }
      orphans[id]?.byes[index].isAnswered = true
      answered(orphan: id, index)
      if orphan.early(bye) != nil {
        // Its BYE was there before the answer, and has ended nothing.
        move(orphan: id, index, to: dialog)
        sendBye(ofOrphan: id, index, at: now)
      }
      return true
    }
    return false
  }

  /// A 2xx knows the target and the routes of its dialog, also for a BYE that comes again (RFC 3261 §13.2.2.4).
  private mutating func follow(_ dialog: DialogID, orphan id: CallID, _ index: Int) {
    guard let place = orphans[id]?.byes[index].mark, let made = sip.dialog(dialog) else { return }
    orphans[id]?.dialogs[place].target = made.remoteTarget.bytes
    orphans[id]?.dialogs[place].routes = made.routeSet.routes
  }

  /// Goes on in the dialog that a 2xx has made, above the numbers of the one before it.
  private mutating func move(orphan id: CallID, _ index: Int, to dialog: DialogID) {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark else { return }
    orphan.dialogs[place].sequence += 2_000
    sip.raise(dialog, above: orphan.dialogs[place].sequence)
    (orphan.byes[index].dialog, orphan.byes[index].isAnswered) = (dialog, false)
    orphans[id] = orphan
    writeAnswered(orphan: id, index)
  }

  /// Writes what is known of a dialog that is answered, and what rings beside it once more.
  ///
  /// In the journal an answer ends the other forks; what a carrier was not heard to end may be up as well.
  mutating func writeAnswered(orphan id: CallID, _ index: Int) {
    guard let orphan = orphans[id], orphan.byes[index].costs,
      let mark = orphan.byes[index].mark.map({ orphan.dialogs[$0] })
    else { return }
    journal.write(.call(.leg(id, mark)))
    for bye in orphan.byes where !bye.isOver && bye.costs && orphan.rangAt(bye) != nil {
      guard let other = bye.mark.map({ orphan.dialogs[$0] }), other.callID == mark.callID else {
        continue
      }
      journal.write(.call(.leg(id, other)))
    }
  }

  /// Whether a BYE that is not over was sent in this dialog, or in an earlier one of its name.
  private func isDialog(_ dialog: DialogID, _ orphan: Orphan, of index: Int) -> Bool {
    let bye = orphan.byes[index]
    guard !bye.isOver, bye.dialog != dialog else { return !bye.isOver }
    guard orphan.early(bye) != nil, let made = sip.dialog(dialog), let place = bye.mark else {
      return false
    }
    let mark = orphan.dialogs[place]
    return mark.callID == made.callID && mark.remoteTag == made.remoteTag
  }

  /// A dialog that rang, as far as the disk knew, has been answered meanwhile: by its 2xx, or as its BYE has ended it.
  ///
  /// Nobody knows when: its carrier bills since it rang at most. The next process, too, has to know.
  private mutating func answered(orphan id: CallID, _ index: Int) {
    guard var orphan = orphans[id], let place = orphan.byes[index].mark,
      let rangAt = orphan.dialogs[place].rangAt
    else { return }
    (orphan.dialogs[place].rangAt, orphan.dialogs[place].early) = (nil, nil)
    let mark = orphan.dialogs[place]
    lateAnswers[mark.callID]?.invite.ended.insert(mark.remoteTag)
    if orphan.byes[index].costs, var record = orphan.record {
      if record.answeredAt == nil, let hold = orphan.byes[index].hold {
        (record.hold, record.payer) = (hold, ledger.payer(of: hold) ?? record.payer)
        record.trunk = orphan.invite(of: mark)?.trunk ?? record.trunk
      }
      (record.answeredAt, record.status) = (min(record.answeredAt ?? rangAt, rangAt), 200)
      orphan.record = record
      journal.open(record)
    }
    orphans[id] = orphan
    writeAnswered(orphan: id, index)
  }

  /// What rang has confirmed its BYE, or hung up: it was up, though nobody has heard its answer.
  mutating func presumeAnswer(orphan id: CallID, _ index: Int, at now: Now) {
    guard let orphan = orphans[id], let rangAt = orphan.rangAt(orphan.byes[index]),
      let mark = orphan.byes[index].mark.map({ orphan.dialogs[$0] })
    else { return }
    if isTaken(orphan.byes[index], orphan) {
      return chargeApart(orphan: id, index, since: rangAt, at: now)
    }
    answered(orphan: id, index)
    lateAnswers[mark.callID]?.invite.presumed.insert(mark.remoteTag)
  }

  /// The answer to an INVITE that was taken back, or that there will be none.
  ///
  /// A refusal: nobody had answered it, so that none of its dialogs has to be ended any more. Behind anything else each is what its
  /// BYE has made of it; the one that has answered is no early one by now.
  mutating func takenBack(
    orphan id: CallID, callID: [UInt8], _ ending: Orphan.TakenBack, at now: Now
  ) {
    guard orphans[id]?.takenBack.remove(callID) != nil else { return }
    switch ending {
    case .refused: orphans[id]?.refused.insert(callID)
    case .answered(isKnown: false): overtaken(orphan: id, callID: callID)
    case .answered, .silent: break
    }
    for index in orphans[id]?.byes.indices ?? 0..<0 {
      guard let orphan = orphans[id] else { return }
      let bye = orphan.byes[index]
      guard orphan.rangAt(bye) != nil, orphan.callID(of: bye) == callID else { continue }
      if ending == .refused {
        if !bye.isOver { over(orphan: id, index, true, at: now) }
      } else if orphan.early(bye) != nil {
        conclude(orphan: id, index, at: now)
      } else if bye.costs, bye.unconfirmed != nil || bye.over?.isProven == false {
        possiblyStillUp(id, at: now)
      }
    }
    goOn(orphan: id, at: now)
  }

  /// A fork has answered that is none of these dialogs: a call of its own, whose first part the hold pays.
  private mutating func overtaken(orphan id: CallID, callID: [UInt8]) {
    guard var orphan = orphans[id] else { return }
    for index in orphan.invites.indices where orphan.invites[index].callID == callID {
      // There is nothing to be taken back any more.
      (orphan.invites[index].isOvertaken, orphan.invites[index].sent) = (true, nil)
      journal.write(.call(.invited(id, orphan.invites[index])))
    }
    orphans[id] = orphan
  }

  /// Nothing more will be known of what rang than what was said to its BYE.
  mutating func conclude(orphan id: CallID, _ index: Int, at now: Now) {
    guard let orphan = orphans[id], !orphan.byes[index].isOver,
      let early = orphan.early(orphan.byes[index])
    else { return }
    if early.isConfirmed { presumeAnswer(orphan: id, index, at: now) }
    over(orphan: id, index, true, at: Now(instant: now.instant, wall: early.at))
  }
}
