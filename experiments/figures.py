RESCUE = {}
DOSE = {}
def save(view, name, function): return []
