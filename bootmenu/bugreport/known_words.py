# SPDX-License-Identifier: MIT
"""Words that reveal nothing about a person: those of bootmenu, of the kernel's log and of boot configurations."""

from __future__ import annotations

WORDS = frozenset(
    """
    a aa aarch abcd abcdefabcdef abort about above absence absent absolute ac accent accents accept accepted accepts
    access accessibility acm acme acpi acquire act action actions activate activated activation active ad adc add
    added adding addon addons addr address addressed addresses addressing adds admin administration adoc adva
    advance advanced advice ae aeb aes af affected affinity afresh after afterwards again against ahci ai alacritty
    alg algif algo algorithm algorithms alias aliased aliases aligned alignment all allocated allocating allow
    allowed allowoptions allows allwinner alnum alone along alpha alpine already also alt alternate alternatives
    altgr although always am ama ambiguous amd amdgpu amiss amlogic among an and anew animations another ansi answer
    answered answering answers antigravity any anybody anything anyway anywhere apart apb api app apparmor appear
    appeared append appended appends apple appleloader application applied applies apply apps april apt arc arch
    archiso archisobasedir archisosearchuuid architecture architectures archive archives are arg arglist args
    argument arguments argv arm armada armbian armctrl armed around array arrays arrival arrivalscreen arrive
    arrived arrow arrows as asc ascii aside ask asked asking asks assemble assignments assume assumed at ata atom
    attach attached attempt attempts attr attribute attributes audio audioop august authenticate auto autoboot aux
    available avoided awaited away axp back backend background backslash backslashes backslashreplace backspace
    backtracking backup bad badram bak banner bar bare baremetal base bash basic batch baud bb bbh bc bcache
    bcachefs bcm bcpus bd be became because become becomes been before beforehand began begin beginning begins begun
    behind being believe belong belongs below bench beside besides best better between beyond bf bfdt big bigger
    biggest bin binaries binary bindings binutils bios birth bit bitlocker bitmap bitmaps bits black blacklist blake
    blame blank blanks bless blinks blk blkid blob block blockdevices blocked blocklist blocks bls blscfg blsdir
    blue board boards bochs bodies body bof bogomips bold bomb bookworm bool boot bootargs bootcode booted bootentry
    booting bootmenu bootmenuapp bootmenudriver bootmenuerror bootmenuscreen bootmenustate boots bootvar both bottom
    boundary bounded bounds box boxes bpb br braces bracket brackets branch brcm brcmfmac break breakpoint breaks
    bridge brightens brighter bring bringing brings broken brokencontainer brought bs bsd bss bt btrfs budget
    budgets buf buffer bufsz bug build builder builds built built-in builtin bullseye bump bundle bus business
    buster busy busybox but button buttons by bypass byte bytecode byteorder bytes bytesource bz bzimage bzip ca
    cache caches calibrating call callable called caller calling calls came camera cameras can cancel cancelled
    candidate candidates cannot canonical cap capabilities capability capeff card cards carried carries carry case
    cat catalogue catalogues cb cba cbc cbef cbootargs cbt cc cd cdda cdns ce ceiling cell cells centisecs certain
    certificate certificates cf cff cffi cfg cfgparser chain chainloader change changed changes channel channels
    chapter character characters chdir cheap cheaply check checked checker checkout checks checksum checksumerror
    checksummed checksums child children chip choice choices choicescreen choose chooses choosing chosen cidata cifs
    claimed claims class clean cleaned cleanup clear cli click clicked clicks climbs clip clock clocks clocksource
    close closed closely closes closing closure cloud cls cluster clusters cm cma cmd cmdline cmdpath cms cn cnf
    cntrl co code codecs codes coff coherent cold collect collected collection collections collector collects color
    colorterm colour colours column columns com combination combinations comboot come comes comm command
    commanderror commandline commands commas comment comments common comp compactedlog companion compare compared
    comparing comparison compat compatibility compatible compdef compgen compile compiled compiler compiling
    complain complains complete completed completion completions compliant component components compopt compose
    compreply compress compressed compression compute computed computer con concatenated concerns condition
    conditional conditions conduit conf confidentiality config configfile configuration configurations configured
    confirm confirmation confirmed confirmscreen conflict connected connection connector cons console consoles
    consumed contact container containers contains content contents context continuation continue contract
    contradict contradicts contribute contributes control controller convention cooling coordinates copied copies
    copy core cores corner correct corrupt corrupted corruption cortex cost costs could count countdown counted
    counter counters counting counts cow cp cpio cpu cpufacts cpuid cpuidle cpuinfo cpunode cpus cpython crash
    crashkernel crc created cred crng crypt crypto cryptodisk cryptomount cryptsetup cs csi ctrl ctypes current
    curses cursor cursors custom cut cutmem cuts cwd cword cyan cycle cycles da daemon damage damaged dangerous dark
    dashes dat data dataclass dataclasses datagrams date day db dbm dcb dd ddb ddf de dead deadline dear deb debian
    debug december decide decided decides decimal decision declared decode decodelegacystream decompress
    decompresses decompressor decorator dee deep deeper deepest deeply default defaults deferred defined defines del
    delay delays delete demand demanded demanding demands demo demonstrated demonstration denied dentry dep depend
    dependencies dependency depends depmod deprecated depth dereference derive deriving desc descent describe
    described describes description descriptor descriptors desk dest detach detached detail details detailsscreen
    detected dev devchip device devicedone devicefound devicegone devices devicesfile devicestore devicetree
    devicetreedir devicetreefacts devicetrees devname devpath df dialup did dies differ difference differences
    different differently differs digest digests digit digits dim dir direct direction directly directory
    directorytree dirty dis disable disabled disarm disc discard discover discovery disk disks displace display
    displays dist distance distribution distributions distributor distro distrust distutils dkms dm dma dmi do doc
    docstring doctest documentation does doing domain done dont dos dot dotted double doubled doubtful down download
    downloaded dozen dp dpkg draft drain draw drawing drawn draws drew drive drivemap driver drivers drm drop
    dropped drops dry dsi dt dtb dtbauto dtbo dtbs dtc dtoverlay dtparam dts dual due duke dumb dummy dump dumps
    duplex duplicate during dw dwc dword dynamic dyndbg dynload ea each ead earlier earliest early earlycon eb ebusy
    ec ecb echo ecma ed eda edb edc edf edge edid edit edited editenv edition edits editscreen ee efault efefef
    effective efi efidisk efistore efivarfs egg ehci eight either el element elf elfcorehdr elif else elsewhere em
    embedded emit empties emptiness empty en enable enabled enc encode encrypted end ended endian ending endofinput
    ends endtext engine english enough ensure ensurepip enter entered enters entries entropy entry entryfacts
    entryfound entrygone enum env environment eof eperm epoch eq equal equals erase erasing erofs errata erratum
    errno error errors esac esc escape escaped escapes escdelay esp esr essiv etc eterm eth eval evdev even event
    events ever every everybody everything everywhere evidence eviocgbit exact exactly examined example exceed
    except exception exchanges exclude exe exec executable execute executed execution exfat exist existence existing
    exists exit exits expand expanded expect expected expects expire explain explained explicit export exported
    expression expressions ext extended extension extensions extlinux extra extract extras f fa fact facts fafff
    fail failed failing fails fakebios fall fallback falling falls false family fan far fast faster fat fatal fault
    fb fbc fbcon fc fcc fd fdimage fds fdt fdtdir fdtoverlay fdtoverlays feature features february fed fedora
    fedoras feed fetch fetched few fewer ff fff ffffff fi ficommand field fields fifo fifth file filefacts filenames
    fileref files filessession filestate filesystem filesystems filesz fill filled fills filter filters filterscreen
    final find finding findings finds finish finished finishing fioption fips firewall firmware first fish fished
    fit fits five fix fixed fixup fixups fl flag flags flash flat flattened floating floor floors floppies floppy
    flow flush fn folder folders folderstore follow followed following follows font fonts foot footer for forbid
    forbidden forbids forboard force forced foreground foreign foresee forever forget forgets forgotten forky form
    format formaterror formats formatters forms found foundtree four fourth fpath fr fraction frame framebuffer
    framedecompressor frames free freed freedos freeing frequency fresh from front frozen fs fsck fsl fstype fsver
    fsync full funcstack function functions further fwsetup fx gather gathered gatherer gathers gave gb gdbm ge gen
    generation generator generic geni genobject german get getenv gets gettext getting gfxmode gib gic gicv github
    give given gives glass glob global glyphs gnome gnu gnulinux go goes going gone good got goto gpg gpio gpios gpt
    gptsync gpu grab grabbed graph greedy green grey grid groove ground group grouping groups grow grows grub
    grubenv gs gt guard guess guessed gui guide gunzip gx gxx gz gzip gzipped had half halt hand handed handedtrees
    handing handle handled handler handover hands hang hanging hangingerror hangs happen happened happens hardly
    hardware harm harmless has hash hashed hashes have hcd hd hdmi hdparm hdrs head header headererror headers
    heading headings headline health hear heard hears height held help helpscreen here hex hexadecimal hexdump hhhh
    hid hidden hide hides high higher highest highspeed himself hinder hint hints history hk hl hmac hold holders
    holds hole holes home honour honoured hook hooks host hostname hosts hotkey hotplug hour how however hscif hsv
    http https hub huge hundred hundreds hung hvc hw hwid hwids hyp hypervisor i ia ic icon id identifies identify
    identities identity idle idlelib ids ieee if ignore ignored ii iii ikconfig ima image images img implementation
    implemented implementer implicit import imported importing importlib imports impossible imx in include included
    includes incomplete inconsistent incorrect increment index indices info information inherit inherited inherits
    init initialised initialized initializing initramfs initramfsfacts initrd initrdefi initrds ink inked inks inner
    innermost inode input insert inserts inside insmod inspect install installation installed installs instance
    instead instruction instructions intc integrity intel interactive interface interfaces interp interpreted
    interpreter interrupt interruptcontroller interrupted interrupts into invalid invoke io ioc ioctl iomem ioremap
    ipappend iproc irq irqchip irqs is iso isofs isolcpus isolinux isos isw it italic itb item items iter iterator
    iterators its itself ivh jammy january jaunty jbd jetsonio jffs job joined joint journal jp jq json judge judged
    judgement judges july jump jumped jumps june junk just jwqlj jzf kallsyms kaslr kaslrseed kb kbdmap kboot kdump
    keep keeps kept kernel kernelevents kernelfacts kernelformat kernelimage kernellog kernelopts kernels
    kernelspace kexec kexecboot kexecfacts kexecfile kexecfileload kexecload kexecs kexectools key keyboard keyevent
    keymap keyring keys keystatus keyword kfreebsd kho kib kill killed kind kiosk kioskarrivalscreen
    kioskloadingscreen kioskrefusalscreen kioskscreen kitty kms kmsg kname knetbsd know known knows ko kobject
    konsole kopenbsd kpcw kq kr krnbt kvm la label labelled labels lack lacks lang language languages large larger
    largest last lasts late lately later lay layout layouterror lays lc ld ldr le lead leading leads leaks leap
    least leave leaves leaving led left leftmost legacy legal len length lenient less let lets letter letters level
    levels lexer lexers lib libfdt libgcc libpython libraries library libs libudev lie lies life lifts light like
    likely likeness likenesses likes limit limits line linear lines link linkage linked links linux linuxefi list
    listed listen listened listening listens listing listings lists lite literal little live lives llhhi
    lmnpqrsvwxyz load loadbios loaded loader loaderror loadflags loadfont loading loadingscreen loadplan loads
    loadtestpermission loadtestrefusederror local
    localboot locale located lock lockdown locked locks log logged logical loglevel logo logs logscreen lone long
    longer longest longidle look looked looking lookingscreen looks loongarch loop loopback loops loses lost loudly
    low lower lowest lp lpi lpis lpj lpuart lr ls lsblk lsfonts lsm lsmod lt lts luks luksconvertkey lv lvchange lvl
    lvm lvs lying lz lzma lzmadecompressor lzo mac machine machinefacts machines machinesession macros made magenta
    magic main mainline maj major make makefile makes man manager mangle manual manufacturer many map mapped mapper
    mapping maps march margin margins mark markdown marked marker marks marshal marvell mask master match matched
    matcher matches matching max maxcpus may mb mc md mdadm me mean meaning meanings means meant meanwhile measure
    measured measures mebibyte mebibytes media mediatek medium meet meets megabytes mem memavailable member members
    memblock meminfo memmap memory memoryrange memreserve memsz memtest memtotal mend mentioned menu menuentry
    menuerror menus menuscreen menustyle merely merged meson message messages met meta metadata metavar meter method
    methoderror methods mib microcode middle midr might migration million millions milliseconds min minimal miniuart
    minor mips mirror mirrors misaligned mismatcherror missing missingmodule mistake mistakes mitigation mitigations
    mj mmap mmc mmcblk mmio mn mnt mobility mod mode model models modes modinfo modprobe mods module moduleinfo
    modules moduleset moment monitor monitoring mono monokai monotonic month more most mostly motion mount mounted
    mounterror mountflag mountinfo mounting mountpoint mountpoints mounts mouse movable move moved moves moving mp
    mpath mpidr msdos msgid msgstr msilib msm mt mtd mtime much multiarch multiboot multibytecodec multiple must
    mutable mxc mz name named names namespace narrow native nativedisk nc nd ne near nearest need needed needs
    negative neither neon neoverse nested nesting net netfilter netlink network networks never new newc newer newest
    newline news next nfc nfkd nfs ngettext nine nis nix nixos nls nmi no noatime noaudio noauto noble nobody
    nocomplete node nodes noefi noescape nofail nogui nohalt noise nokaslr noload nologreplay nolpi nomodeset none
    nonexistent nonsecure nonsense nops nor norecovery normal normalise normalised normally nosmp not note noted
    notes nothing notice notices notified nouuid nouveau november novideo now nowayout nowhere nr nrcpus ns nt ntfs
    ntldr nul null nuls number numbered numbers nv nvhe nvidia nvme obey objcopy object objectid objects occasion
    octal october oe oem of off offer offered offers offline offset offsets ofonly often ohci ok okay old older
    oldest oldlibs oldoldstable oldstable omap on once one onerror ones online only ontimeout onto onward ooaaoo
    oops op open openat opened openfile openfolder opening opens opensuse operation opt optee optimize option
    options or order ordered org origin orphan os oserror osindications osprober osrel ossaudiodev ot other others
    otherwise our out outb outcome outermost outl outlives output outside outw over overlap overlapping overlay
    overlayerror overlays overridden override overrides overriding overrode overwrites overwritten owe own owned
    owns pace pack package packages packed packer packing packs padded padding paddr page pagedown pages pageup
    paging paired pairs panel panic paper paragraph paragraphs param parameter parameters params parent parenthesis
    parking parse parsed parser parsers part partial partition partitions partlabel partmap partname parts parttool
    parttype partuuid party pass passed passes passphrase passphrasescreen passwd password passwords paste patched
    patches patching path paths patience pattern patterns pause pauses payload pbkdf pc pci pcie pe peek pek pending
    people per perform perhaps permission permits permitted person petitboot pgdn pgt pgup phandle phello phentsize
    phnum phoff physical pi piboard pick picked picks picture pictures pid pidfd piece pieces piles pin pinctrl
    pinebook pinerror pins pinscreen pip pipe pkg pkvm pl place placement places plain plainmenu plainscreen plan
    planerror planned plannedfile plat platform play please plt plug plural plus plymouth pm po point pointer points
    policy poll pool pop port portableexecutable ports position positional positions posix possible post power
    powererror poweroff powers pp ppc ppi ppis ppwc pre predictor preempt preferences preferencesparts prefers
    prefix prefixes prepare prepared prepares present press pressed presses pretty preview previous
    primary primecell print printable printed printk prints priority private privileged pro probably probe probed
    probing problem problemfound problemgone problems proc process processes processor processors product profile
    profiles program programs progress project promise prompt proof properties property protect protected protector
    protects protocol proved ps psci psciv pseudo pstate pt pth pttype public publish pulled punct pure purely
    purgatory purpose put puts putting putty pwm pwr pwrkey pxd pxe pxeserver py pyc pycache pydoc pyelftools pygen
    pygments pyi pyproject python pyx pzq qcom qemu qgic qq qqq quarter question questions queue queues quick quiet
    quietly quit quota quotation quotations quote quoted quotes qxp radeon raid raise raises raising ram ramdisk
    ramfsfile ran random range ranges rank raspberry raspberrypi rate ratio raw rb rc rcu rd rdinit reach reached
    reaches read readable readconfig reader readers reading readingscreen readline readme readonly reads ready real
    really reason reasons reboot rebuild receive recent recheck recognised recommended record recorded records
    recovering recovery recursive red redaction redistributor redistributors redraw ref refer reference references
    refers refresh refreshes refusal refusalscreen refuse refused refusederror refuses reg regardless regdom regex
    regexp region register registered registering registers registration registry regular regulator regulators
    reinstall related relates relatime relative relatives release released releases remaining remember remembered
    remembering remembers remount remounted removable remove removed rename renamed render renesas reopen repair
    repairs repeat repeatable repeated repetition repetitions replace replaced replaces replay report reported
    reportformat reports request require required requirement requirements requires rescan rescu rescue reservation
    reservations reserve reserved reservedmemory reserves reset resets resize resolution resolve resolved resolves
    resource responsible rest restart restarting restarts resting restore restored restrictive rests result retries
    return returncode returned returns rev reveal reverse revert review revision rewrite rf rfc rhel rhgb rich rid
    right risc riscv risk risky rk rm rmmod rng ro rock rockchip rocket rockpro rodata roff role rom room root
    rootdelay rootflags rootfs rootfstype roots rootwait rotate round rounded route row rowlist rows rpath rpi
    rpmnew rpmsave rpt rsc rst rtc rule rules run runner running runpath runs runtime rust rw rwdata rx rxvt safe
    said salt same sample samsung sandbox sanity sata save saved saw say says sbat sbin sbsa sc scan scanfinished
    scanned scans scanstopped scenario sched schema scif scm scope scratch screen screens script scripts scroll
    scrolling scrolllock scrolls scrypt scsi sd sda sdb sdc sdd sdhc sdhci sdio sdmagic sdxc seal sealed search
    searched searches second secondary seconds secrets section sections secure security securityfs see seed seeds
    seems seen sees segment segments segtype seldom select selectable selected selection self selinux semantics send
    sendcookies sendmac sends sense sensible sent sentence sentences separates separator september sequence
    sequences serial serialport serve server serves service services session set setparams setpci sets setting
    settings settle settled setup setvariable seven several severity sgr sh sha shall shape share shared shares
    sheet shell shells shhiiihh shield shift shim shipped shiqqq short shorten shortest should show showed showing
    shown shows shrank shrunk si sid side sig sigbus sight sigkill sign signal signalled signals signature
    signatures signed signs sigterm siiiiiihhi silence silent simple simplefb simply simulated simulatedhost
    simulatedjump simulatedkernel simulatedlog simulatedsyscalls simulation since single singular sit site
    sitecustomize sitter sitting six sixteenth size sizes skcipher skip skipped skips slash slashes slave sleep
    slice slices slot slow slowest slowly slub small smaller smbios smc smooth smp sn snapshot snapshots snps so soc
    socket sockets soft softdep some somebody something sonames soon sort sortable sorted sorting sought sound
    source sourceless sourcelist sourceparts sources sp space spaces span spans sparse speak speaks special specific
    specification speculative speech speed speeling speling spend spi spin spinning spins spis splash split spread
    sqlite squashfs sr src srel srv ss ssl st stable stack stacks stage staged stages stagestate staging stale stamp
    stamps stand standard standards stands stanza stanzas stars start startable started starting starts stat state
    stateerror statement statementerror statements states static status stay stayed stayedup stays stderr stdin
    stdlib stdout steady steer steers step steps stepserror stepwise stick still stood stop stopped stopping stops
    storage storageerror store stored storedpin stores story str straight stream streams strict string strings strip
    striped strips strong strtol struct structure structureerror stub stubs stuck style styles subclass subcommand
    submenu submenus subsystem subtracted subvol subvolid subvolume subvolumes succeed succeeded success
    successfully such suffix suggested suite suites suits sum summary sun sunxi super superblock superspeed supply
    support supported sure surface surrogate surrogateescape surrogatepass survey survives suse suseboot suspend
    swap swapper switch switched switches switching symbolic symbols sync synced synchronised syndrome synopsis
    syntax syntaxerror sys sysappend syscall syscalls sysconfigdata sysctl sysfs syslinux system systemctl systemd
    systems sz tab table tables tabs tag tail tainted take taken takes taking tar target targetpython task tc tcp
    tcss td technical technician tee tegra teletype tell teller telling tells temp templates temporarily temporary
    ten tenth term terminal terminals terminator terminfo terms test tested testing tests text
    textoff texts textual tf tftp th than that the their theirs them theme themes themselves then there thereby
    these they thin thing things third this those thousand thread threads three through throughout ths ti tick ticks
    tighter time timed timeout timer timers times timeshift timestamp title titles tkinter tmp tmux to today
    together token tokens told toml tomorrow too took tool toolongerror tools top topic torn total totaltimeout
    touch touched touches touching tp tpm trace traceback traditional trailer trailers trailing traits trampoline
    tran translate translated translation translations traps tree treechoice treeerror treefacts treefolderfacts
    treehead treeindex trees treescreen treesfound treetext tried tries trixie trouble troubled troublesome true
    truecolor truecrypt trunc trust trusted trusts truth try tryboot trying tty ttyama ttyaml ttyfiq ttylp ttymsm
    ttymv ttymxc ttyps ttys ttysac ttysc ttytcu ttyusb tuned tuple turn turned turns turtle turtledemo tw twice two
    tx txt type typed types typing typo uapi uart uartdm uas ubi ubifs ubuntu ucode udev udevd udp ue uefi uevent ui
    uimage uinitrd uki ul ulp ultra umount unable uname unary unattended unavailable unchanged unchecked unclean
    uncompressed undefined under underline underscores understand understands understood undo undoes undone
    unescaped unfilter unfit unflattened uni unicode unified unique unit unittest unix unknown unlabelled unless
    unlike unload unloaded unloading unloads unlock unlocked unlockerror unlocks unlz unmapped unmerged unmount
    unmounted unmounts unpack unpacked unpacker unpacking unpacks unpartitioned unplugged unprivileged unquoted
    unreadable unregistered unresolved unrestricted unseen unselectable unset unshare unshield unsigned unstable
    unsupported unsupportedkernel until unusable unused unwritable unzstd up update updated updates upper ups
    upstream uris url usable usage usageerror usb usbhid use used user users userspace uses using usr usual utc utf
    util utils uuid uuids uv vaddr vain valid value valueerror values vanishes var variable variables vb vbeinfo vc
    vd vda vector vectors vendor venv ver verdict verdicts verification verified verify verity version versions very
    vf vfat vg vga vhe video videoinfo view views virt virtio virtual virtualization visible visit vm vmlinu vmlinux
    vmlinuz vmtest vnl voltage volume volumes vsc vt vte wait waited waiting waits wake wakes walk walked walks want
    wanted wants warn warned warning was watch watchdog watchdogs watched way ways wb we weigh weight well went were
    wf what whatever wheel when whenever where wherever whether which whichever while white who whoever whole whom
    whose why wide widget widgets width widths wildcard wildcards will willing win window windows wins wiring wise
    with within without woken word worded words work workaround worked working works workstation world worse worst
    worth would wrap wrapped wraps writable write writeback writer writes writing written wrong wrote wsgiref wwns
    www x x509 xdg xdigit xen xfs xhci xhz xi xk xlnx xloadflags xmlrpc xmmyh xnu xq xr xscale xterm xts xuartps xvd
    xx xxsubinterpreters xxtest xz xzfgnw xzkern yaboot yaml yellow yes yet yf yield yields you your yylex za zboot
    zero zeros zfs zimage zimg zone zram zsh zst zstandard zstd zubuntu zynqmp
    """.split()
)
