import sys
from tests.world.world import draw, run
from tests.world.__main__ import live, report
from tests.world import sometimes
from collections import Counter
a,b=int(sys.argv[1]),int(sys.argv[2])
seen=Counter(); failed=[]; n=0
for seed in range(a,b):
    s=draw(seed)
    if not s.leads: continue
    n+=1
    o=live(seed)
    seen.update(o.seen)
    if not o.ok:
        failed.append(seed); print(seed, "; ".join(map(str,o.violations[:3])), flush=True)
    if len(failed)>=8: break
print(n, "lead worlds; failed", failed)
for k in sometimes.SITUATIONS:
    if "lead" in k or "conver" in k or "link f" in k: print(k, seen[k])
