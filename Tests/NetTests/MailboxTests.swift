import Dispatch
import Elements
import Glibc
import Net
import Testing

@Suite struct MailboxTests {
  @Test("a full mailbox refuses, and says so; what it took comes out in order")
  func bounded() throws {
    let mailbox = Mailbox<Int>(capacity: 3, waker: try LaneWaker())
    #expect(mailbox.send(1))
    #expect(mailbox.send(contentsOf: [2, 3, 4, 5]) == 2)
    #expect(!mailbox.send(6))
    #expect(mailbox.refused == 3)
    var taken = [99]
    mailbox.drain(into: &taken)
    #expect(taken == [1, 2, 3])
    #expect(mailbox.isEmpty)
    #expect(mailbox.send(7))
  }

  @Test("a lane that sleeps is woken once, however many send; one that is awake is not")
  func oneWakeUp() throws {
    let waker = try LaneWaker()
    let mailbox = Mailbox<Int>(capacity: 100, waker: waker)
    for number in 0..<10 { mailbox.send(number) }
    #expect(waker.wakeUps == 0)
    let seen = Recorder<Int>()
    let lane = try LaneThread(name: "test", waker: waker, failed: { _ in }) { loop in
      _ = loop.add(MailReader(mailbox, seen))
    }
    #expect(seen.wait(for: 10) == Array(0..<10))
    for number in 10..<20 {
      mailbox.send(number)
      _ = seen.wait(for: number + 1)
    }
    lane.stop()
    // One write for each sleep at most: never more than there were sends to a sleeping lane.
    #expect(waker.wakeUps <= 10)
  }

  @Test("nothing is lost or doubled when many threads send to a lane that sleeps and wakes")
  func manySenders() throws {
    let (threads, each) = (4, 5_000)
    let waker = try LaneWaker()
    let mailbox = Mailbox<Int>(capacity: 64, waker: waker)
    let seen = Recorder<Int>()
    let lane = try LaneThread(name: "test", waker: waker, failed: { _ in }) { loop in
      _ = loop.add(MailReader(mailbox, seen))
    }
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for number in 0..<each {
        while !mailbox.send(thread * each + number) { sched_yield() }
      }
    }
    let all = seen.wait(for: threads * each)
    lane.stop()
    #expect(all.count == threads * each)
    for thread in 0..<threads {
      let own = all.filter { $0 / each == thread }
      #expect(own == Array(thread * each..<(thread + 1) * each), "sender \(thread)")
    }
  }
}
