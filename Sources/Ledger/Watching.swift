import Cleaning
import EventLog
import Glibc
import Projection

/// How to watch.
package struct WatchOptions: Sendable {
    /// Folders beside landing; of their files those are taken that a contract recognises.
    package var folders: [String] = []
    /// Take what is whole now, then end.
    package var once = false
    /// How long a file must stay as it is before it counts as whole.
    package var settleMilliseconds: Int64 = 1000
    /// Look this often instead of waiting to be told; nil: only at folders whose changes nobody tells.
    package var pollMilliseconds: Int64?
    /// Whose the files are, where neither name nor folder says it.
    package var account: String?

    package init() {}
}

/// What a watch has to say while it goes on.
package enum WatchNews: Sendable {
    /// All that was there is done; from now on it waits.
    case waiting(folders: [String])
    /// Files were fed.
    case fed(IngestReport)
    /// Something a person may want to know.
    case remark(String)
}

extension Lake {
    /// Ingests files that appear in landing, in folders that a service names and in the given ones, as soon as they are whole.
    ///
    /// It ends when a signal asks for it, after the file it is at, or with `once` when nothing is left to do. A file that is in the log
    /// already, unchanged since, is left alone: also one that was retracted. True when a file needs a person.
    package func watch(_ options: WatchOptions, stop: StopSignals, news: @escaping (WatchNews) -> Void) throws -> Bool {
        let watch = try FolderWatch(self, options, stop, news)
        try watch.run()
        return watch.isDegraded
    }
}

/// One event loop: folders tell of files, files come to rest, runs feed them.
private final class FolderWatch {
    private struct Place {
        let path: String
        /// Landing counts with all its folders, another folder by itself.
        let isLanding: Bool
        /// Services whose files are taken from here; nil: all.
        let services: Set<String>?
        var isPolled: Bool
    }

    /// A file not at rest yet.
    private struct Pending {
        var look: FileLook
        var due: Int64
    }

    private let lake: Lake
    private let options: WatchOptions
    private let stop: StopSignals
    private let news: (WatchNews) -> Void
    private let gate: RunGate
    private let events: FolderEvents?
    private var places: [Place] = []
    private var known = KnownFiles()
    /// Files that were looked into as they are now.
    private var seen: [String: FileLook] = [:]
    private var pending: [String: Pending] = [:]
    private var ready: Set<String> = []
    private var nextLook: Int64 = 0
    /// Not to be tried before: another run is at work, or a definition is broken.
    private var notBefore: Int64 = 0
    private var isWaitingForRun = false
    private(set) var isDegraded = false

    private static let usualPoll: Int64 = 5000

    init(_ lake: Lake, _ options: WatchOptions, _ stop: StopSignals, _ news: @escaping (WatchNews) -> Void) throws {
        self.lake = lake
        self.options = options
        self.stop = stop
        self.news = news
        gate = try RunGate(lake.layout)
        events = options.pollMilliseconds == nil ? FolderEvents() : nil
        events?.listen(toClosing: gate.path)
        try Files.makeFolder(lake.layout.folder(.landing))
        let services = try DefinitionSet(files: try lake.definitionFolders.read()).services
        var named: [String: Set<String>] = [:]
        for service in services.values {
            for folder in service.watch { named[Self.expanded(folder), default: []].insert(service.service) }
        }
        let landing = Files.realPath(lake.layout.folder(.landing)) ?? lake.layout.folder(.landing)
        var chosen: [(path: String, services: Set<String>?)] = options.folders.map { (Self.expanded($0), nil) }
        for (folder, services) in named.sorted(by: { $0.key < $1.key }) { chosen.append((folder, services)) }
        places = [Place(path: landing, isLanding: true, services: nil, isPolled: false)]
        for (folder, services) in chosen {
            guard let real = Files.realPath(folder), Files.isFolder(real) else {
                news(.remark("\(folder) is no folder here; it is not watched"))
                continue
            }
            guard real != landing, !real.hasPrefix(landing + "/"), !places.contains(where: { $0.path == real }) else { continue }
            places.append(Place(path: real, isLanding: false, services: services, isPolled: false))
        }
    }

    /// `~/` is the person's home.
    private static func expanded(_ folder: String) -> String {
        guard folder.hasPrefix("~/"), let home = getenv("HOME") else { return folder }
        return String(cString: home) + folder.dropFirst(1)
    }

    // MARK: The loop

    func run() throws {
        for index in places.indices {
            attach(index)
            scan(places[index])
        }
        var isAnnounced = options.once
        while !stop.isRequested {
            try settle()
            if !ready.isEmpty, Self.clock() >= notBefore, try feedReady() { continue }
            if options.once, ready.isEmpty, pending.isEmpty { return }
            if !isAnnounced, ready.isEmpty || isWaitingForRun {
                isAnnounced = true
                news(.waiting(folders: places.map(\.path)))
            }
            if stop.wait(events?.descriptor, milliseconds: timeToNext()) { return }
            for change in events?.read() ?? [] { apply(change) }
            if places.contains(where: \.isPolled), Self.clock() >= nextLook {
                nextLook = Self.clock() + (options.pollMilliseconds ?? Self.usualPoll)
                for place in places where place.isPolled { scan(place) }
            }
        }
    }

    /// How long there is nothing to do; nil: until somebody tells.
    private func timeToNext() -> Int64? {
        var times = pending.values.map(\.due)
        if !ready.isEmpty { times.append(notBefore) }
        if places.contains(where: \.isPolled) { times.append(nextLook) }
        return times.min().map { max(1, $0 - Self.clock()) }
    }

    private func apply(_ change: FolderEvents.Change) {
        switch change {
        case .file(let path): notice(path)
        case .folder(let path):
            guard let index = places.firstIndex(where: \.isLanding), path.hasPrefix(places[index].path + "/") else { return }
            listen(path, index)
            scan(path, isDeep: true)
        case .gone(let path):
            events?.forget(path)
            guard let index = places.firstIndex(where: { $0.path == path }) else { return }
            // A browser or a sync program may replace the folder: look for it from time to time.
            places[index].isPolled = true
            news(.remark("\(path) went away; it is watched again when it is back"))
        case .closed: notBefore = min(notBefore, Self.clock() + 50)
        case .overflow:
            for index in places.indices {
                attach(index)
                scan(places[index])
            }
        }
    }

    /// Listens to a place and the folders in it; looks at it from time to time where that cannot be.
    private func attach(_ index: Int) {
        let place = places[index]
        guard events != nil, !Mounts.isShared(place.path) else { return poll(index, "nobody tells of changes there") }
        listen(place.path, index)
    }

    private func listen(_ folder: String, _ index: Int) {
        guard let events, !places[index].isPolled else { return }
        guard events.listen(to: folder) else {
            guard Files.isFolder(folder) else { return }
            return poll(index, String(cString: strerror(errno)))
        }
        guard places[index].isLanding else { return }
        for name in Files.list(folder) where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            if FileLook.isPlainFolder(path) { listen(path, index) }
        }
    }

    private func poll(_ index: Int, _ why: String) {
        guard !places[index].isPolled else { return }
        places[index].isPolled = true
        let every = options.pollMilliseconds ?? Self.usualPoll
        nextLook = Self.clock() + every
        if options.pollMilliseconds == nil { news(.remark("\(places[index].path): \(why); looking every \(every / 1000) s instead")) }
    }

    // MARK: Files coming to rest

    private func scan(_ place: Place) { scan(place.path, isDeep: place.isLanding) }

    private func scan(_ folder: String, isDeep: Bool) {
        for name in Files.list(folder) where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            if FileLook.isPlainFolder(path) { if isDeep { scan(path, isDeep: true) } } else { notice(path) }
        }
    }

    /// A file that may be new: it waits until it has been the same for a while.
    private func notice(_ path: String) {
        guard let place = place(of: path), FileLook.mayBeWhole(path, below: place.path), let look = FileLook(path), seen[path] != look
        else {
            return
        }
        guard pending[path]?.look != look else { return }
        let age = Timestamp.now().milliseconds - look.changed
        let rests = age >= options.settleMilliseconds
        pending[path] = Pending(look: look, due: Self.clock() + (rests ? 0 : options.settleMilliseconds))
    }

    private func place(of path: String) -> Place? {
        places.first { path.hasPrefix($0.path + "/") && ($0.isLanding || Files.parent(path) == $0.path) }
    }

    /// Moves files at rest from `pending` to `ready`.
    private func settle() throws {
        let now = Self.clock()
        var news = false
        for (path, entry) in pending where entry.due <= now {
            pending[path] = nil
            guard let look = FileLook(path), !FileLook.hasDownload(beside: path) else { continue }
            if look != entry.look {
                guard !options.once else {
                    self.news(.remark("\(path) is being written still; it is left for the next time"))
                    continue
                }
                pending[path] = Pending(look: look, due: now + options.settleMilliseconds)
            } else if !ready.contains(path) {
                ready.insert(path)
                news = true
            }
        }
        guard news else { return }
        // What is in the log already needs no run.
        try known.update(lake.log)
        for path in ready { if let look = FileLook(path), try isKnown(path, look) { ready.remove(path) } }
    }

    private func isKnown(_ path: String, _ look: FileLook) throws -> Bool {
        guard let place = place(of: path) else { return false }
        let landing = place.isLanding ? lake.layout.name(.landing) + path.dropFirst(place.path.count) : nil
        guard try known.covers(path, look, landing: landing) else { return false }
        seen[path] = look
        return true
    }

    // MARK: Runs

    /// Feeds what is ready in one run; false when that has to wait.
    private func feedReady() throws -> Bool {
        guard try gate.enter() else {
            notBefore = Self.clock() + 2000
            if !isWaitingForRun { news(.remark("another run is at work: waiting for it to end")) }
            isWaitingForRun = true
            return false
        }
        defer { gate.leave() }
        isWaitingForRun = false
        do {
            try feed(ready.sorted())
            return true
        } catch let error where error is DefinitionError || error is ContractError {
            // A person is at a definition file: the files wait until it can be read again.
            notBefore = Self.clock() + 30_000
            guard !options.once else { throw error }
            news(.remark("\(error); files wait until this is mended (`bedrot doctor contracts` lists all that is wrong)"))
            return false
        }
    }

    private func feed(_ paths: [String]) throws {
        let run = try Run(lake, command: "watch", holdsLock: true)
        let recognizer = Recognizer(contracts: run.definitions.contracts.values.map(\.contract))
        var ingest = IngestOptions()
        ingest.account = options.account
        var report = IngestReport()
        var promoted: Set<Int64> = []
        // What another run did while this one waited.
        try known.update(lake.log)
        for (index, path) in paths.enumerated() where !stop.isRequested {
            ready.remove(path)
            guard let place = place(of: path), let look = FileLook(path), try !isKnown(path, look) else { continue }
            seen[path] = look
            guard access(path, R_OK) == 0 else {
                news(.remark("\(path) cannot be read: \(String(cString: strerror(errno))); it is tried again when it changes"))
                continue
            }
            guard try place.isLanding || isOurs(path, place, recognizer) else { continue }
            do {
                for outcome in try lake.ingest(path, run: run, recognizer: recognizer, options: ingest, ask: nil) {
                    if case .promoted(let capture, _, _, _, _) = outcome.kind { promoted.insert(capture) }
                    report.files.append(outcome)
                }
            } catch let error where !Files.exists(path) {
                news(.remark("\(path) went away before it was read (\(error))"))
            }
            lake.progress?("ingest", Int64(index + 1), Int64(paths.count))
        }
        try run.complete(report.isDegraded ? "degraded" : "ok")
        guard !report.files.isEmpty else { return }
        let before = try? lake.latestKPIs()
        report.projection = try lake.project(trusting: promoted)
        report.moves = lake.kpiMoves(before?.values ?? [], try lake.latestKPIs().values, run.definitions.kpis)
        isDegraded = isDegraded || report.isDegraded
        news(.fed(report))
    }

    /// Whether a file of a person's own folder is one of this ledger's; what nobody recognises there is nobody's business.
    private func isOurs(_ path: String, _ place: Place, _ recognizer: Recognizer) throws -> Bool {
        let found: [Contract]
        switch try recognizer.recognise(fileName: Files.realPath(path) ?? path, source: CaptureReader.source(of: path)) {
        case .match(let matches): found = matches.map(\.contract)
        case .ambiguous(let contracts): found = contracts
        case .none: found = []
        }
        return found.contains { place.services?.contains($0.service) ?? true }
    }

    private static func clock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// A file as a glance shows it: two equal looks mean that nobody wrote in between.
struct FileLook: Equatable {
    let size: Int64
    let inode: UInt64
    /// Milliseconds since 1970 of the last change of content, and of anything, its name included.
    let changed: Int64
    let touched: Int64

    /// nil unless it is a regular file with something in it.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return nil }
        func milliseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000 }
        size = Int64(status.st_size)
        inode = UInt64(status.st_ino)
        changed = milliseconds(status.st_mtim)
        touched = milliseconds(status.st_ctim)
    }

    /// A folder, not a link to one.
    static func isPlainFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static let unfinished = [".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".temp", "~"]

    /// Whether the name is not one that browsers, editors and we ourselves give to what is not finished.
    static func mayBeWhole(_ path: String, below folder: String) -> Bool {
        let name = Files.name(path).lowercased()
        guard !unfinished.contains(where: name.hasSuffix) else { return false }
        // Our own index, and originals that are sealed.
        guard Files.name(path) != "_hashes.json", !path.hasSuffix(".sealed") else { return false }
        return !path.dropFirst(folder.count).split(separator: "/").contains { $0.hasPrefix(".") }
    }

    /// Whether a browser is writing the file under another name beside it.
    static func hasDownload(beside path: String) -> Bool { [".part", ".crdownload"].contains { Files.exists(path + $0) } }
}

/// What the log says of files, by the name they had and the place they lie at.
struct KnownFiles {
    private struct Known {
        let object: Hash256
        let size: Int64
        let captured: Int64
        var withdrawn: Int64?
    }

    private var captures: [Int64: Known] = [:]
    private var byLanding: [String: [Int64]] = [:]
    private var byName: [String: [Int64]] = [:]
    /// When a file of this name was held back without a capture.
    private var refused: [String: Int64] = [:]
    private var seq: Int64 = 0

    /// Catches up with the log.
    mutating func update(_ log: EventLog) throws {
        let types: [EventType] = [.captured, .retracted, .reinstated, .quarantined]
        let from = seq + 1
        try log.read { transaction in
            let head = try transaction.head().seq
            guard from <= head else { return }
            try transaction.events(EventQuery(seqs: from...head, types: types.map(\.rawValue))) { event in
                try apply(event)
                return true
            }
            seq = head
        }
    }

    private mutating func apply(_ event: Event) throws {
        let time = event.time.milliseconds
        switch EventType(rawValue: event.type) {
        case .captured:
            let capture = try Capture(event)
            captures[event.seq] = Known(object: capture.object, size: capture.size, captured: time)
            byLanding[capture.landing, default: []].append(event.seq)
            byName[capture.name, default: []].append(event.seq)
        case .retracted: if let seq = event.body["capture"]?.int { captures[seq]?.withdrawn = time }
        case .reinstated: if let seq = event.body["capture"]?.int { captures[seq]?.withdrawn = nil }
        case .quarantined: if event.body["capture"] == nil, let name = event.body["name"]?.string { refused[name] = time }
        default: break
        }
    }

    /// Whether the log has had this file as it is now. `landing` is its path below the root if it lies in landing.
    ///
    /// Times settle most cases; a file that was touched after its capture is read and compared.
    func covers(_ path: String, _ look: FileLook, landing: String?) throws -> Bool {
        if let time = refused[Files.name(path)], look.touched <= time { return true }
        let candidates = (landing.flatMap { byLanding[$0] } ?? byName[Files.name(path)] ?? []).compactMap { captures[$0] }
        let alike = candidates.filter { $0.size == look.size }
        if alike.contains(where: { look.touched <= $0.captured }) { return true }
        // What was put here after a person withdrew it is meant anew.
        let standing = alike.filter { known in known.withdrawn.map { look.touched <= $0 } ?? true }
        guard !standing.isEmpty, let digest = try? DraftFile.digest(of: path) else { return false }
        return standing.contains { $0.object == digest }
    }
}
